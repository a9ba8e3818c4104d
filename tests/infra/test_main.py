"""The program as the engine starts it, on the real checkout."""

import runpy
import sys

from infra import definitions
from tests.infra import sdk_schema
from tests.infra.recorder import EVERYTHING, record


def test_the_engine_runs_the_real_checkout() -> None:
    path = list(sys.path)

    def bootstrap() -> None:
        runpy.run_path(str(definitions.ROOT / "infra"), run_name="__main__")

    try:
        graph = record(EVERYTHING, root=definitions.ROOT, program=bootstrap)
    finally:
        sys.path[:] = path
    tables, views = definitions.tables(), definitions.views()
    assert {t.inputs["tableId"] for t in graph.of("bigquery/table:Table")} == {t.name for t in tables} | {
        v.name for v in views
    }
    assert [problem for resource in graph.real() for problem in sdk_schema.problems(resource)] == []
    files = set(graph["handler/archive"].inputs["source"]["assets"])
    assert {"main.py", "requirements.txt", "sluice/settings.py", "sql/tables/conversations/schema.json"} <= files
    assert not [name for name in files if "__pycache__" in name or name.startswith(("/", "."))]
