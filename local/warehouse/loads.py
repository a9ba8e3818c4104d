"""Load jobs of newline-delimited JSON as BigQuery does them, where local-bigquery does not.

It refuses a whole load for one line that is no JSON or longer than 16 MB. BigQuery takes lines of up to 100 MB, and
counts each other line as a bad record: the load fails only where there are more of them than `maxBadRecords`. See
https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-json and https://cloud.google.com/bigquery/quotas.
"""

import functools
import json
import re
from pathlib import Path
from typing import Any

MAX_LINE_BYTES = 100 * 1024 * 1024
DEFAULT_LINE_BYTES = 16 * 1024 * 1024
"""What DuckDB reads unless it is told otherwise; it holds twice as much as it is told."""
PATH = re.compile(r"\['(.+)'\]")


def install() -> None:
    """Let local-bigquery load like this. May be called again."""
    from local_bigquery.jobs import load, runner

    runner.HANDLERS["load"] = _run
    original = getattr(load._reader, "__wrapped__", load._reader)

    @functools.wraps(original)
    def reader(cursor: Any, files: str, config: Any, fields: Any) -> str:
        text: str = original(cursor, files, config, fields)
        path = PATH.fullmatch(files)
        size = _longest(Path(path[1])) if path and text.startswith("read_json(") else 0
        return text if size <= DEFAULT_LINE_BYTES else f"{text[:-1]}, maximum_object_size = {size + 1})"

    load._reader = reader


def _longest(file: Path) -> int:
    """Bytes of the longest line, as far as it matters."""
    if file.stat().st_size <= DEFAULT_LINE_BYTES:
        return 0
    with file.open("rb") as lines:
        return max(map(len, lines), default=0)


def _run(cursor: Any, config: Any, upload: str | None) -> Any:
    from local_bigquery.errors import BigQueryError
    from local_bigquery.jobs import load

    try:
        return load.run(cursor, config, upload)
    except BigQueryError as error:
        most = int(config.maxBadRecords or 0)
        json_lines = config.sourceFormat == "NEWLINE_DELIMITED_JSON"
        bad = _without_bad(Path(upload)) if upload and json_lines and most and error.reason == "invalid" else 0
        if not 0 < bad <= most:
            raise
        statistics = load.run(cursor, config.replace(maxBadRecords=most - bad), upload)
        return statistics.replace(badRecords=str(bad + int(statistics.badRecords)))


def _without_bad(file: Path) -> int:
    """Take the lines out that BigQuery cannot read; how many there were."""
    lines = file.read_bytes().splitlines(keepends=True)
    good = [line for line in lines if _is_good(line)]
    file.write_bytes(b"".join(good))
    return len(lines) - len(good)


def _is_good(line: bytes) -> bool:
    try:
        return len(line) <= MAX_LINE_BYTES and isinstance(json.loads(line), dict)
    except ValueError:
        return False
