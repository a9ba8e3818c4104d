"""What `sql/` defines, read once for the program: tables and views, in the order they can be created."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import pulumi
import yaml

ROOT = Path(__file__).resolve().parent.parent
SQL = ROOT / "sql"
CONVERSATIONS = "conversations"
HEADER = re.compile(r"^-- description: (.+)$", re.MULTILINE)
# A view says so itself when nothing in it is a text that somebody wrote to an agent or got from one.
VIEWERS = re.compile(r"^-- viewers: yes$", re.MULTILINE)
REFERENCE = re.compile(r"\$\{dataset\}\.(\w+)")


class DefinitionError(pulumi.RunError):
    """A file of `sql/` is missing something or contradicts another; names the file and what to write."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """`schema`: columns in BigQuery's JSON format; `partition`: {field, type} or None."""

    name: str
    schema: list[dict[str, Any]]
    description: str
    partition: dict[str, str] | None = None
    cluster: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class View:
    """`query`: text with its placeholders; `uses`: the views it reads; `shown`: viewers may see it."""

    name: str
    description: str
    query: str
    uses: frozenset[str]
    shown: bool = False

    def rendered(self, *, project: str, dataset: str, conversations: str) -> str:
        """The query with every placeholder replaced."""
        return self._filled(self.query, project, dataset, conversations)

    def inlined(self, views: Mapping[str, "View"], *, project: str, dataset: str, conversations: str) -> str:
        """The query with the views it reads written into it, so that it reads tables alone."""
        return self._filled(self._whole(views), project, dataset, conversations)

    def _whole(self, views: Mapping[str, "View"]) -> str:
        text = self.query
        for name in self.uses:
            text = text.replace(f"`${{dataset}}.{name}`", f"(\n{views[name]._whole(views)}\n)")
        return text

    def _filled(self, query: str, project: str, dataset: str, conversations: str) -> str:
        text = query.replace("${dataset}", f"{project}.{dataset}").replace("${table}", conversations)
        if "${" in text:
            raise DefinitionError(f"sql/views/{self.name}.sql: only ${{dataset}} and ${{table}} are placeholders")
        return text


def names(sql: Path = SQL) -> frozenset[str]:
    """Fixed names of the dataset: every table but the conversations, every view."""
    fixed = {folder.name for folder in _folders(sql)} - {CONVERSATIONS}
    return frozenset(fixed | {path.stem for path in (sql / "views").glob("*.sql")})


def label_keys(sql: Path = SQL) -> frozenset[str]:
    """Keys of the labels that definitions give their tables."""
    return frozenset(key for table in tables(sql) for key in table.labels)


def tables(sql: Path = SQL) -> list[Table]:
    """Every table, by name.

    Raises:
        DefinitionError: a definition is incomplete, or names a column the schema has not.
    """
    return [_table(folder) for folder in _folders(sql)]


def views(sql: Path = SQL) -> list[View]:
    """Every view, those that others read first.

    Raises:
        DefinitionError: no description, a reference to nothing, or views that read each other.
    """
    paths = sorted((sql / "views").glob("*.sql"))
    known = {path.stem for path in paths}
    read = {path.stem: _view(path, known, names(sql)) for path in paths}
    return [read[name] for name in _ordered(read.values())]


def _folders(sql: Path) -> list[Path]:
    return sorted(path for path in (sql / "tables").iterdir() if path.is_dir())


def _table(folder: Path) -> Table:
    where = f"sql/tables/{folder.name}"
    try:
        schema = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
        about = yaml.safe_load((folder / "table.yaml").read_text(encoding="utf-8"))
        table = Table(name=folder.name, schema=schema, **about)
        named = [*table.cluster, *([table.partition["field"]] if table.partition else [])]
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise DefinitionError(
            f"{where}: needs schema.json (columns) and table.yaml (description, partition, cluster, labels): {error}"
        ) from error
    if missing := set(named) - {column["name"] for column in schema}:
        raise DefinitionError(f"{where}: no column {', '.join(sorted(missing))} to partition or cluster by")
    return table


def _view(path: Path, known: set[str], fixed: frozenset[str]) -> View:
    query = path.read_text(encoding="utf-8")
    where = f"sql/views/{path.name}"
    header = HEADER.search(query)
    if not header:
        raise DefinitionError(f"{where}: begin it with a line `-- description: …`")
    references = set(REFERENCE.findall(query))
    if unknown := references - fixed:
        raise DefinitionError(
            f"{where}: reads {', '.join(sorted(unknown))}, which neither sql/tables nor sql/views has"
        )
    return View(
        name=path.stem,
        description=header[1].strip(),
        query=query,
        uses=frozenset(references & known),
        shown=bool(VIEWERS.search(query)),
    )


def _ordered(read: Iterable[View]) -> list[str]:
    try:
        return list(TopologicalSorter({view.name: sorted(view.uses) for view in read}).static_order())
    except CycleError as error:
        raise DefinitionError(f"sql/views: these views read each other: {', '.join(error.args[1])}") from error
