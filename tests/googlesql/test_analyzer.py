"""Google's own analyzer reads everything in sql/: the emulator accepts what BigQuery refuses."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.googlesql

ROOT = Path(__file__).parents[2]
ANALYZER = ROOT / ".venv-googlesql" / "bin" / "python"
DESCRIBED = re.compile(r"^-- column (\w+):", re.MULTILINE)
# What the views rely on and the emulator does differently, or could.
VALUES: dict[str, Any] = {
    # Keys with dots come back quoted (views/field_usage.sql).
    """TRIM(JSON_KEYS(JSON '{"users.state": "CA"}', 1)[SAFE_OFFSET(0)], '"')""": "users.state",
    """JSON_VALUE_ARRAY(JSON '{"a": "text"}', '$.a')""": None,
    """JSON_QUERY_ARRAY(JSON '{"a": {}}', '$.a')""": None,
    """JSON_TYPE((JSON '{"text": null}')['text'])""": "null",
    """JSON_TYPE((JSON '"text"')['text']) IS NULL""": True,
    """JSON_VALUE(JSON '{"a": {}}', '$.a.b[0].c')""": None,
    """SAFE_CAST('yesterday' AS TIMESTAMP)""": None,
    """SAFE_CAST('2026-03-01T10:00:02.123456+00:00' AS TIMESTAMP)""": "2026-03-01T10:00:02.123456Z",
    """SAFE_CAST('1.5' AS INT64)""": None,
    """[1, 2, 3][SAFE_ORDINAL(CAST(CEIL(3 * 50 / 100) AS INT64))]""": 2,
    """ARRAY<FLOAT64>[][SAFE_ORDINAL(CAST(CEIL(0 * 90 / 100) AS INT64))]""": None,
    """CAST(CEIL(100 * 99 / 100) AS INT64)""": 99,
    """NULLIF(ARRAY_TO_STRING(ARRAY<STRING>[], 'x'), '')""": None,
}


@pytest.fixture(scope="module")
def analysis() -> Any:
    assert ANALYZER.exists(), f"make {ANALYZER.parents[1].name} first (see tests/googlesql/README.md)"
    done = subprocess.run(
        [ANALYZER, ROOT / "tests/googlesql/analyze.py", ROOT / "sql"],
        input=json.dumps(list(VALUES)),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_nothing_is_refused(analysis: Any) -> None:
    assert analysis["failures"] == {}


def test_the_columns_are_those_described(analysis: Any) -> None:
    described = {
        path.stem: DESCRIBED.findall(path.read_text(encoding="utf-8")) for path in (ROOT / "sql/views").glob("*.sql")
    }
    assert {view: [name for name, _ in columns] for view, columns in analysis["columns"].items()} == described


def test_the_functions_mean_what_the_views_take_them_to_mean(analysis: Any) -> None:
    assert analysis["values"] == VALUES
