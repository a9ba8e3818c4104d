"""What pruning drops, as one table; the README's table is generated from it.

Paths are in camelCase, relative to a canonical message; `[]` stands for every element of an array.
The kinds and their heavy parts are those of Google's geminidataanalytics `SystemMessage`, which Looker passes on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sluice.looker import lenient
from sluice.looker.lenient import Part

type Summary = dict[str, Any]
type Node = dict[str, "Node | Rule | Content"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One part that is dropped, why, and what is kept of it under which key."""

    path: str
    why: str
    kept: str = ""
    summary: Callable[[Part], Summary] | None = None


class Content:
    """Marks what is conversation and no data: kept whole, however long a list it is."""


CONTENT = Content()
REST = "*"
"""The key of a node that stands for every key it does not name."""


def _columns(schema: Part) -> Summary:
    fields = lenient.members(schema).get("fields")
    names = [lenient.members(field).get("name") for field in lenient.elements(fields)]
    columns = [lenient.loads(name) for name in names if not lenient.is_null(name)]
    return {"columns": columns} if columns else {}


def _rows(rows: Part) -> Summary:
    if not lenient.is_array(rows):
        return {}
    items = lenient.elements(rows)
    first = list(lenient.members(items[0])) if items else []
    return {"rowCount": len(items)} | ({"columns": first} if first else {})


_EXPLORE_SCHEMA = "fields of the explore, repeated in every question about it"
_SIGNATURE = "opaque token of the model, of no use outside it"

RULES = (
    Rule("debugInfo", "a second copy of the message, and the request with its credentials", "systemMessage, timestamp"),
    Rule("systemMessage.thoughtSignature", _SIGNATURE),
    Rule("systemMessage.text.thoughtSignature", _SIGNATURE),
    Rule("systemMessage.schema.result", _EXPLORE_SCHEMA),
    *(
        Rule(f"systemMessage.{kind}.query.datasources[].{part}", _EXPLORE_SCHEMA)
        for kind in ("schema", "data")
        for part in ("schema", "structSchema", "lookerExploreReference.schema")
    ),
    # The order of these three is the order of preference for `columns` and `rowCount`.
    Rule("systemMessage.data.result.schema", "types and formats of the columns", "columns (names)", _columns),
    Rule("systemMessage.data.result.data", "rows of the answer: business data, not conversation", "rowCount", _rows),
    Rule("systemMessage.data.result.formattedData", "the same rows, formatted", "rowCount", _rows),
    Rule("systemMessage.data.formattedData", "the same rows, formatted"),
    Rule("systemMessage.data.bigQueryJob.schema", "types of the columns of the job"),
    Rule("systemMessage.chart.result.vegaConfig", "chart with its rows inline"),
    Rule("systemMessage.chart.result.image", "picture of the chart, base64"),
    Rule("systemMessage.analysis.progressEvent.resultCsvData", "rows computed by the analysis"),
    Rule("systemMessage.analysis.progressEvent.resultVegaChartJson", "chart with its rows inline"),
    Rule("systemMessage.analysis.progressEvent.executionOutput", "output of the analysis code, with its data"),
)

# Objects where nothing is dropped but snake_case spellings are made one with the rest: all in them is conversation.
_NAMED = (
    "userMessage",
    *(f"systemMessage.{kind}.query.datasources[].bigqueryTableReference" for kind in ("schema", "data")),
    "systemMessage.data.query.looker",
    "systemMessage.data.generatedLookerQuery",
    "systemMessage.data.matchedQuery",
    "systemMessage.data.bigQueryJob.destinationTable",
    "systemMessage.chart.query",
    "systemMessage.analysis.query",
    "systemMessage.clarification.questions[]",
    "systemMessage.exampleQueries.exampleQueries[]",
    "systemMessage.citation",
    "systemMessage.error",
)

# What belongs to the conversation however long it is, in objects that may also hold data.
_WHOLE = (
    "systemMessage.text.parts",
    "systemMessage.data.generatedSql",
    "systemMessage.data.result.columns",
    *(f"systemMessage.{kind}.query.question" for kind in ("schema", "data")),
    *(
        f"systemMessage.analysis.progressEvent.{part}"
        for part in ("code", "plannedReasoning", "plannerReasoning", "codeExplanation", "resultNaturalLanguage")
    ),
)

_KNOWN_KEYS = (
    *("systemMessage", "userMessage", "debugInfo", "messageId", "groupId", "textType", "thoughtSignature"),
    *("generatedSql", "generatedLookerQuery", "bigQueryJob", "matchedQuery", "formattedData", "dynamicFields"),
    *("queryId", "clientId", "structSchema", "lookerExploreReference", "lookmlModel", "lookerInstanceUri"),
    *("vegaConfig", "dataResultName", "dataResultNames", "progressEvent", "plannerReasoning", "codeExplanation"),
    *("resultCsvData", "resultVegaChartJson", "resultReferenceData", "resultNaturalLanguage", "executionOutput"),
    *("executionError", "exampleQueries", "naturalLanguageQuestion", "sqlQuery", "selectionMode"),
    *("clarificationQuestionType", "projectId", "datasetId", "tableId", "jobId", "destinationTable"),
    *("studioDatasourceId", "bigqueryTableReference", "plannedReasoning"),
)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


CAMEL = {_snake(key): key for key in _KNOWN_KEYS}


def _tree() -> Node:
    tree: Node = {}
    leaves: list[tuple[str, Rule | Content]] = [(rule.path, rule) for rule in RULES]
    leaves += [(path, CONTENT) for path in (*_WHOLE, *(f"{path}.{REST}" for path in _NAMED))]
    for path, leaf in leaves:
        node = tree
        *parents, last = path.replace("[]", ".[]").split(".")
        for part in parents:
            child = node.setdefault(part, {})
            if not isinstance(child, dict):
                raise TypeError(f"{path}: what is above it has a rule already")
            node = child
        node.setdefault(last, leaf)
    return tree


def _in_both_spellings(node: Node) -> Node:
    """By snake_case too, even where the usual spelling is taken: no second spelling saves a heavy part."""
    spelled: Node = {}
    for key, child in node.items():
        spelled[key] = _in_both_spellings(child) if isinstance(child, dict) else child
        if _snake(key) in CAMEL:
            spelled[_snake(key)] = spelled[key]
    return spelled


TREE = _tree()
NODES = _in_both_spellings(TREE)
