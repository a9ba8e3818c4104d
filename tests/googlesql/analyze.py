"""Analyse all of sql/ with Google's own analyzer; the answer is JSON on standard output.

Runs in an environment of its own (requirements.txt beside this file): the analyzer is a WebAssembly build that needs
other versions of protobuf than the project. It takes about a minute and 1 GB.

{"columns": {view: [[name, type], ...]}, "failures": {file or expression: message}, "values": {expression: value}}
"""

import json
import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from zetasql.api import (  # type: ignore[import-not-found]  # installed in .venv-googlesql only
    Analyzer,
    CatalogBuilder,
    PreparedExpression,
    TableBuilder,
    TypeFactory,
)
from zetasql.core.exceptions import ZetaSQLError  # type: ignore[import-not-found]  # as above
from zetasql.types import (  # type: ignore[import-not-found]  # as above
    AnalyzerOptions,
    LanguageFeature,
    LanguageOptions,
    ProductMode,
    Type,
    TypeKind,
    ZetaSQLBuiltinFunctionOptions,
)

KINDS = {"BOOL": TypeKind.TYPE_BOOL, "INT64": TypeKind.TYPE_INT64, "JSON": TypeKind.TYPE_JSON}
KINDS |= {"DATE": TypeKind.TYPE_DATE, "STRING": TypeKind.TYPE_STRING, "TIMESTAMP": TypeKind.TYPE_TIMESTAMP}
REFERENCE = re.compile(r"\$\{dataset\}\.(\w+)")
DECLARED = re.compile(r"^DECLARE (\w+)", re.MULTILINE)
PARAMETER = re.compile(r"^-- parameter (\w+): (\w+)", re.MULTILINE)
# Parameters of the statements that are not named after a column; the ledger's JSON is handed over as text.
GIVEN = {"moves": "STRING", "refused": "STRING", "run_ids": "STRING", "since": "TIMESTAMP", "abandoned_after": "INT64"}
PLACES = {"${dataset}": "project.dataset", "${table}": "conversations", "${staging}": "project.dataset.staging"}

Columns = list[tuple[str, Any]]


class Analysis:
    """The catalog as far as it is known, and what was found."""

    def __init__(self, sql_root: Path) -> None:
        self.root = sql_root
        self.language = LanguageOptions.maximum_features()
        self.language.product_mode = ProductMode.PRODUCT_EXTERNAL
        # BigQuery cannot compare, group or order JSON.
        refused = LanguageFeature.FEATURE_JSON_TYPE_COMPARISON
        self.language.enabled_language_features = [
            feature for feature in self.language.enabled_language_features if feature != refused
        ]
        self.language.reserved_keywords = ["QUALIFY"]
        self.tables: dict[str, Columns] = {}
        self.failures: dict[str, str] = {}
        for path in sorted(sql_root.glob("tables/*/schema.json")):
            columns = json.loads(path.read_text(encoding="utf-8"))
            self.tables[path.parent.name] = [(column["name"], KINDS[column["type"]]) for column in columns]
        staged = [
            ("kind", TypeKind.TYPE_STRING),
            *self.tables["conversations"],
            *self.tables["rejects"],
            *self.tables["feedback"],
            ("payload", TypeKind.TYPE_JSON),
        ]
        self.tables["staging"] = list(dict(staged).items())

    def views(self) -> dict[str, list[list[str]]]:
        """Analyse the views, each after those it reads, and give their columns."""
        paths = {path.stem: path for path in self.root.glob("views/*.sql")}
        needs = {name: set(REFERENCE.findall(path.read_text("utf-8"))) & paths.keys() for name, path in paths.items()}
        found: dict[str, list[list[str]]] = {}
        for name in TopologicalSorter(needs).static_order():
            columns = self._statement(f"views/{name}.sql", paths[name].read_text(encoding="utf-8"))
            self.tables[name] = columns
            found[name] = [[column, _spelled(kind)] for column, kind in columns]
        return found

    def queries(self) -> None:
        """Analyse the queries with the types their comments give to the parameters."""
        for path in sorted(self.root.glob("queries/*.sql")):
            text = path.read_text(encoding="utf-8")
            self._statement(f"queries/{path.name}", text, self._options(dict(PARAMETER.findall(text))))

    def scripts(self) -> None:
        """Analyse each statement of a script; its variables stand as parameters, since scripts cannot be resolved."""
        for path in sorted(self.root.glob("statements/*.sql")):
            text = path.read_text(encoding="utf-8")
            text = re.sub(r"\$\{(\w+)\}", lambda match: self._included(match[0]), text)
            for variable in DECLARED.findall(text):
                text = re.sub(rf"(?<!DECLARE )\b{variable}\b", f"@{variable}", text)
            self._script(f"statements/{path.name}", text, self._options(self._ledger_parameters() | GIVEN))

    def values(self, expressions: list[str]) -> dict[str, Any]:
        """What BigQuery's own reference implementation computes."""
        found = {}
        for expression in expressions:
            try:
                with PreparedExpression(f"TO_JSON_STRING({expression})", self._options(), self._catalog()) as prepared:
                    found[expression] = json.loads(prepared.execute().get_string())
            except ZetaSQLError as error:
                self.failures[expression] = str(error)
        return found

    def _included(self, placeholder: str) -> str:
        if placeholder in PLACES:
            return PLACES[placeholder]
        included = self.root / "statements" / f"{placeholder[2:-1]}.sql"
        return re.sub(r"\$\{\w+\}", lambda match: PLACES[match[0]], included.read_text(encoding="utf-8"))

    def _ledger_parameters(self) -> dict[str, str]:
        spelled = {kind: name for name, kind in KINDS.items()} | {TypeKind.TYPE_JSON: "STRING"}
        return {column: spelled[kind] for column, kind in self.tables["sync_runs"]}

    def _options(self, parameters: dict[str, str] | None = None) -> AnalyzerOptions:
        """Only the variables of scripts may be undeclared."""
        given = [
            AnalyzerOptions.QueryParameter(name=name, type=TypeFactory.create_simple_type(KINDS[kind]))
            for name, kind in (parameters or {}).items()
        ]
        return AnalyzerOptions(
            language_options=self.language, query_parameters=given, allow_undeclared_parameters=parameters is not None
        )

    def _script(self, name: str, text: str, options: AnalyzerOptions) -> None:
        # Without comments a statement is whatever stands before a semicolon at the end of a line.
        plain = re.sub(r"^\s*--.*$", "", text, flags=re.MULTILINE)
        for statement in filter(str.strip, re.split(r";\s*$", plain, flags=re.MULTILINE)):
            declared = re.fullmatch(r"\s*DECLARE \w+ [\w<>]+ DEFAULT \((.+)\)\s*", statement, re.DOTALL)
            self._statement(name, declared[1] if declared else statement, options)

    def _statement(self, name: str, text: str, options: AnalyzerOptions | None = None) -> Columns:
        for placeholder, place in PLACES.items():
            text = text.replace(placeholder, place)
        try:
            resolved = Analyzer(options or self._options(), self._catalog()).analyze_statement(text)
        except ZetaSQLError as error:
            self.failures[name] = str(error)
            return []
        return [(column.name, column.column.type) for column in getattr(resolved, "output_column_list", [])]

    def _catalog(self) -> Any:
        catalog = CatalogBuilder("project")
        for name, columns in self.tables.items():
            table = TableBuilder(f"project.dataset.{name}")
            for column, kind in columns:
                table.add_column(column, kind)
            catalog.add_table(table.build())
        return catalog.with_builtin_functions(ZetaSQLBuiltinFunctionOptions(language_options=self.language)).build()


def _spelled(kind: Type) -> str:
    name = str(TypeKind(kind.type_kind).name).removeprefix("TYPE_")
    if name == "ARRAY":
        return f"ARRAY<{_spelled(kind.array_type.element_type)}>"
    return {"DOUBLE": "FLOAT64"}.get(name, name)


def main(sql_root: str) -> None:
    analysis = Analysis(Path(sql_root))
    answer = {"columns": analysis.views(), "values": analysis.values(json.load(sys.stdin))}
    analysis.queries()
    analysis.scripts()
    json.dump({**answer, "failures": analysis.failures}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
