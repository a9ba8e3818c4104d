"""What a system message says: one function per kind of the ChatMessage reference, plus kinds nobody has documented.

Each gives a `Content` whose two sides are written independently: `kept` is the essence, `sent` the same with its heavy
parts. The truth is therefore known by construction, never by pruning what was sent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from msgspec import Raw

from local.looker import fragments
from local.looker.cast import Explore

INSTANCE = "https://looker.example.com"


@dataclass(frozen=True, slots=True)
class Content:
    """One `systemMessage`: as the warehouse must hold it, and as Looker sends it. `kind` is the discriminator."""

    kind: str
    kept: dict[str, Any]
    sent: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Topic:
    """What a turn is about. `size` is the bytes each heavy part may take."""

    explore: Explore
    question: str
    size: int
    rng: Random

    @property
    def name(self) -> str:
        """Name of the data result, as queries and charts refer to it."""
        return f"{self.explore.name}_by_{self.explore.fields[0].split('.')[1]}"

    @property
    def reference(self) -> dict[str, Any]:
        """The `lookerExploreReference` of a datasource."""
        return {"lookerInstanceUri": INSTANCE, "lookmlModel": self.explore.model, "explore": self.explore.name}


def text(text_type: str, *parts: str) -> Content:
    """A text message: THOUGHT, PROGRESS, FINAL_RESPONSE or FOLLOWUP_QUESTIONS; thoughts carry a signature."""
    said = {"parts": list(parts), "textType": text_type}
    if text_type != "THOUGHT":
        return _light("text", said)
    kept = {"text": said, "groupId": 0}
    signed = {"text": {**said, "thoughtSignature": fragments.text(240)}, "groupId": 0}
    return Content("text", kept, {**signed, "thoughtSignature": fragments.text(80)})


def thought(topic: Topic) -> Content:
    return text("THOUGHT", "Resolving the schema", f"I need {topic.explore.fields[1]} by {topic.explore.fields[0]}")


def progress(topic: Topic) -> Content:
    return text("PROGRESS", f"Searching values of {topic.explore.fields[0]}")


def final(topic: Topic) -> Content:
    lead = topic.rng.randrange(1, 999)
    return text(
        "FINAL_RESPONSE", f"**{topic.explore.fields[0]}** leads with ${lead}k.\n\n| a | b |\n|---|---|\n| “1” | \\2 |"
    )


def follow_ups(topic: Topic) -> Content:
    last = f"Which {topic.explore.fields[0]} drives it? 📈"
    return text("FOLLOWUP_QUESTIONS", "How did this change vs last quarter?", last)


def schema_query(topic: Topic) -> Content:
    datasource = {"lookerExploreReference": topic.reference}
    kept = {"schema": {"query": {"question": topic.question, "datasources": [datasource]}}}
    heavy = {**datasource, "structSchema": fragments.schema(topic.explore, 400)}
    return Content("schema", kept, {"schema": {"query": {"question": topic.question, "datasources": [heavy]}}})


def schema_result(topic: Topic) -> Content:
    heavy = {"lookerExploreReference": topic.reference, "schema": fragments.schema(topic.explore, topic.size)}
    return Content("schema", {"schema": {}}, {"schema": {"result": {"datasources": [heavy]}}})


def data_query(topic: Topic) -> Content:
    query = {"question": topic.question, "name": topic.name, "looker": _looker_query(topic)}
    kept = {**query, "datasources": [{"lookerExploreReference": topic.reference}]}
    inner = {**topic.reference, "schema": fragments.schema(topic.explore, 400)}
    heavy = {"lookerExploreReference": inner, "schema": fragments.schema(topic.explore, topic.size)}
    sent = {**query, "datasources": [heavy]}
    return Content("data", {"data": {"query": kept}, "groupId": 1}, {"data": {"query": sent}, "groupId": 1})


def data_generated_looker_query(topic: Topic) -> Content:
    return _light("data", {"generatedLookerQuery": _looker_query(topic)})


def data_generated_sql(topic: Topic) -> Content:
    return _light("data", {"generatedSql": _sql(topic)})


def data_matched_query(topic: Topic) -> Content:
    return _light("data", {"matchedQuery": {"naturalLanguageQuestion": topic.question, "sqlQuery": _sql(topic)}})


def data_job(topic: Topic) -> Content:
    job = {"projectId": "example-project", "jobId": f"job_{topic.rng.randrange(10**9)}", "location": "EU"}
    heavy = {**job, "schema": fragments.schema(topic.explore, 600)}
    return Content("data", {"data": {"bigQueryJob": job}}, {"data": {"bigQueryJob": heavy}})


def data_result(topic: Topic) -> Content:
    """Rows and their formatted twin; one in eight lacks the schema, one has only formatted rows, one is empty."""
    series, formatted = fragments.rows(topic.explore), fragments.formatted_rows(topic.explore)
    form = topic.rng.randrange(8)
    count = 0 if form == 0 else min(series.count(topic.size), formatted.count(topic.size))
    kept = {"name": topic.name, "columns": list(topic.explore.fields), "rowCount": count}
    sent: dict[str, Any] = {"name": topic.name, "schema": _result_schema(topic)}
    if form != 1:
        sent["data"] = series.take(count)
    if form == 2:
        del sent["schema"]
    sent["formattedData"] = formatted.take(count)
    return Content("data", {"data": {"result": kept}, "groupId": 1}, {"data": {"result": sent}, "groupId": 1})


def data_combined(topic: Topic) -> Content:
    """SQL and result in one message, and `formattedData` beside the result: older stores hold such messages."""
    result = data_result(topic)
    sql = _sql(topic)
    loose = fragments.formatted_rows(topic.explore).take(2)
    kept = {"data": {"generatedSql": sql, **result.kept["data"]}}
    return Content("data", kept, {"data": {"generatedSql": sql, **result.sent["data"], "formattedData": loose}})


def chart_query(topic: Topic) -> Content:
    return _light("chart", {"query": {"instructions": f"Bar chart: {topic.question}", "dataResultName": topic.name}})


def chart_result(topic: Topic) -> Content:
    """A Vega-Lite object (text in one of four, as the API's own spec has it) with its rows inline, and an image."""
    series = fragments.rows(topic.explore)
    values = bytes(series.take(series.count(topic.size)))
    head = b'{"$schema":"https://vega.github.io/schema/vega-lite/v5.json","mark":{"type":"bar"},"encoding":{},"data":{"values":'
    vega = Raw(head + values + b"}}") if topic.rng.randrange(4) else fragments.text(topic.size)
    image = {"mimeType": "image/png", "data": fragments.text(topic.size)}
    return Content("chart", {"chart": {"result": {}}}, {"chart": {"result": {"vegaConfig": vega, "image": image}}})


def analysis_query(topic: Topic) -> Content:
    return _light("analysis", {"query": {"question": topic.question, "dataResultNames": [topic.name]}})


def analysis_code(topic: Topic) -> Content:
    code = f'import pandas as pd\n\nframe = pd.read_csv("{topic.name}.csv")\nprint(frame.describe())\n'
    event = {"plannedReasoning": "Fit a trend, then extend it.", "code": code}
    heavy = {**event, "executionOutput": fragments.text(300)}
    return Content("analysis", {"analysis": {"progressEvent": event}}, {"analysis": {"progressEvent": heavy}})


def analysis_result(topic: Topic) -> Content:
    heavy = {
        "resultCsvData": fragments.csv(topic.explore, topic.size),
        "resultVegaChartJson": fragments.text(topic.size),
    }
    return Content("analysis", {"analysis": {"progressEvent": {}}}, {"analysis": {"progressEvent": heavy}})


def error(topic: Topic) -> Content:
    return _light("error", {"text": f"ACTION_GENERATION failed: no field for {topic.question!r}"})


def clarification(topic: Topic) -> Content:
    question = {
        "question": "Which date field?",
        "selectionMode": "SINGLE_SELECT",
        "options": ["Created", "Shipped"],
        "clarificationQuestionType": "FIELDS",
    }
    return _light("clarification", {"questions": [question]})


def example_queries(topic: Topic) -> Content:
    example = {"naturalLanguageQuestion": topic.question, "sqlQuery": _sql(topic)}
    return _light("exampleQueries", {"exampleQueries": [example]})


def unknown(topic: Topic) -> Content:
    """A kind this project has never heard of: it must come through whole."""
    kind = topic.rng.choice(("keyDriverAnalysis", "outlierDetection", "periodComparison", "advancedInsight"))
    return _light(
        kind, {"drivers": [{"field": topic.explore.fields[0], "share": 0.25}], "schema": {"result": [1, None]}}
    )


Kind = Callable[[Topic], Content]

# How many parts of `Topic.size` bytes each kind sends; kinds not listed send none.
PARTS: dict[Kind, int] = {
    schema_result: 1,
    data_query: 1,
    data_result: 2,
    data_combined: 2,
    chart_result: 2,
    analysis_result: 2,
}


def _light(kind: str, value: dict[str, Any]) -> Content:
    return Content(kind, {kind: value}, {kind: value})


def _looker_query(topic: Topic) -> dict[str, Any]:
    names = topic.explore.fields
    return {
        "model": topic.explore.model,
        "explore": topic.explore.name,
        "fields": list(names[:2]),
        "filters": [{"field": names[0], "value": "-NULL"}],
        "sorts": [f"{names[1]} desc"],
        "limit": "500",
    }


def _sql(topic: Topic) -> str:
    names = topic.explore.fields
    table = f"`{topic.explore.model}.{topic.explore.name}`"
    return f"SELECT {names[0]}, SUM({names[1]})\nFROM {table}\nWHERE {names[0]} <> 'a\"b'\nGROUP BY 1"


def _result_schema(topic: Topic) -> dict[str, Any]:
    return {"fields": [{"name": name, "type": "STRING", "valueFormat": "$#,##0.00"} for name in topic.explore.fields]}
