"""What this project relies on in the emulator, each also true of BigQuery; where it differs, a test says how."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.cloud import bigquery

from local.warehouse.emulator import Warehouse

# What is relied on here, every other test shows too, in passing; one by one it takes minutes.
pytestmark = pytest.mark.slow

ROWS = [
    bigquery.SchemaField("id", "STRING", "REQUIRED"),
    bigquery.SchemaField("at", "TIMESTAMP", "REQUIRED"),
    bigquery.SchemaField("n", "INT64"),
    bigquery.SchemaField("body", "JSON"),
]
LEDGER = [bigquery.SchemaField("run_id", "STRING", "REQUIRED")]
COMMIT = """
DECLARE days ARRAY<TIMESTAMP> DEFAULT (SELECT ARRAY_AGG(DISTINCT TIMESTAMP_TRUNC(at, DAY)) FROM `{dataset}.staging`);
BEGIN TRANSACTION;
MERGE `{dataset}.target` AS held USING `{dataset}.staging` AS fetched
ON held.id = fetched.id AND TIMESTAMP_TRUNC(held.at, DAY) IN UNNEST(days)
WHEN MATCHED THEN UPDATE SET n = held.n + fetched.n, body = fetched.body
WHEN NOT MATCHED THEN INSERT (id, at, n, body) VALUES (fetched.id, fetched.at, fetched.n, fetched.body);
MERGE `{dataset}.ledger` AS held
USING (
  SELECT JSON_VALUE(move, '$.run') AS run_id FROM UNNEST(JSON_QUERY_ARRAY(PARSE_JSON(@moves))) AS move
) AS move
ON held.run_id = move.run_id WHEN NOT MATCHED THEN INSERT (run_id) VALUES (move.run_id);
INSERT INTO `{dataset}.ledger` (run_id)
SELECT @run WHERE NOT EXISTS(SELECT 1 FROM `{dataset}.ledger` WHERE run_id = @run);
{before_commit}
COMMIT TRANSACTION;
"""


@pytest.fixture
def client(warehouse: Warehouse) -> Iterator[bigquery.Client]:
    client = warehouse.client()
    yield client
    client.close()


@pytest.fixture
def dataset(client: bigquery.Client) -> Iterator[str]:
    name = f"contract_{uuid.uuid4().hex[:8]}"
    client.create_dataset(name)
    for table, schema in (("target", ROWS), ("staging", ROWS), ("ledger", LEDGER)):
        create(client, f"{name}.{table}", schema)
    yield name
    client.delete_dataset(name, delete_contents=True, not_found_ok=True)


def create(client: bigquery.Client, name: str, schema: Any, expires: datetime | None = None) -> bigquery.Table:
    table = bigquery.Table(f"{client.project}.{name}", schema=schema)
    if schema is ROWS:
        table.time_partitioning = bigquery.TimePartitioning(field="at")
    table.expires = expires
    return client.create_table(table)


def row(key: str, **values: Any) -> dict[str, Any]:
    return {"id": key, "at": "2026-01-02T03:04:05.678901Z", "n": 1} | values


def load(client: bigquery.Client, table: str, rows: Sequence[dict[str, Any]], job_id: str | None = None) -> Any:
    config = bigquery.LoadJobConfig(
        schema=ROWS,
        source_format="NEWLINE_DELIMITED_JSON",
        write_disposition="WRITE_APPEND",
        create_disposition="CREATE_NEVER",
    )
    body = "".join(json.dumps(each) + "\n" for each in rows).encode()
    job = client.load_table_from_file(io.BytesIO(body), table, job_id=job_id, job_config=config)
    job.result()
    return job


def run(client: bigquery.Client, sql: str, job_id: str | None = None, **parameters: str) -> Any:
    given = [bigquery.ScalarQueryParameter(name, "STRING", value) for name, value in parameters.items()]
    config = bigquery.QueryJobConfig(query_parameters=given)
    job = client.query(sql, job_id=job_id or uuid.uuid4().hex, job_retry=None, job_config=config)
    job.result()
    return job


def commit(client: bigquery.Client, dataset: str, name: str, before_commit: str = "") -> Any:
    sql = COMMIT.format(dataset=dataset, before_commit=before_commit)
    return run(client, sql, run=name, moves=json.dumps([{"run": f"{name}-moved"}]))


def rows(client: bigquery.Client, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(each) for each in client.query(sql).result()]


def busy(seconds: int) -> str:
    """A statement that takes about `seconds` here."""
    first, second = (f"UNNEST(GENERATE_ARRAY(1, {size}))" for size in (100_000, 500 * seconds))
    return f"SELECT COUNT(*) FROM {first} AS a, {second} AS b WHERE MOD(a * b, 7) = 3;"


def test_a_script_commits_two_merges_and_an_insert_as_one(client: bigquery.Client, dataset: str) -> None:
    load(client, f"{dataset}.staging", [row("1", body=[{"a": None}]), row("2")])
    commit(client, dataset, "first")
    job = commit(client, dataset, "second")
    assert rows(client, f"SELECT id, n, body FROM {dataset}.target ORDER BY id") == [
        ("1", 2, [{"a": None}]),
        ("2", 2, None),
    ]
    assert rows(client, f"SELECT run_id FROM {dataset}.ledger ORDER BY run_id") == [
        ("first",),
        ("first-moved",),
        ("second",),
        ("second-moved",),
    ]
    merges = [child for child in client.list_jobs(parent_job=job.job_id) if child.statement_type == "MERGE"]
    assert [child.dml_stats.updated_row_count for child in merges] == [0, 2]
    assert [child.dml_stats.inserted_row_count for child in merges] == [1, 0]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELECT ERROR('boom');", "boom"),
        ("RAISE USING MESSAGE = FORMAT('run %s is fenced', @run);", "run r is fenced"),
        ("INSERT INTO `{dataset}.ledger` (run_id) VALUES (NULL);", "NOT NULL"),
        ("ASSERT FALSE AS 'no';", "no"),
    ],
)
def test_a_failure_before_the_commit_changes_nothing(
    client: bigquery.Client, dataset: str, statement: str, message: str
) -> None:
    load(client, f"{dataset}.staging", [row("1")])
    with pytest.raises(BadRequest, match=message):
        commit(client, dataset, "r", statement.format(dataset=dataset))
    assert rows(client, f"SELECT * FROM {dataset}.target") == []
    assert rows(client, f"SELECT * FROM {dataset}.ledger") == []


def test_two_source_rows_for_one_target_row_are_refused(client: bigquery.Client, dataset: str) -> None:
    load(client, f"{dataset}.staging", [row("1")])
    commit(client, dataset, "first")
    load(client, f"{dataset}.staging", [row("1")])
    with pytest.raises(BadRequest, match="at most one source row for each target row"):
        commit(client, dataset, "second")
    assert rows(client, f"SELECT n FROM {dataset}.target") == [(1,)]


def test_of_concurrent_transactions_none_is_half_done(
    warehouse: Warehouse, client: bigquery.Client, dataset: str
) -> None:
    load(client, f"{dataset}.staging", [row("1"), row("2")])
    commit(client, dataset, "seed")

    def attempt(number: int) -> str | None:
        mine = warehouse.client()
        try:
            commit(mine, dataset, f"run{number}", busy(1))
        except BadRequest as error:
            return str(error.errors[0]["message"])
        finally:
            mine.close()
        return None

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(attempt, range(3)))
    committed = answers.count(None)
    assert committed >= 1
    # BigQuery says "Transaction is aborted due to concurrent update" instead.
    assert all("Failed to commit" in answer for answer in answers if answer is not None)
    assert rows(client, f"SELECT id, n FROM {dataset}.target ORDER BY id") == [
        ("1", 1 + committed),
        ("2", 1 + committed),
    ]
    assert rows(client, f"SELECT COUNT(*) FROM {dataset}.ledger") == [(2 + 2 * committed,)]


def test_a_script_outlives_the_client_that_sent_it(warehouse: Warehouse, client: bigquery.Client, dataset: str) -> None:
    job_id = uuid.uuid4().hex
    sql = f"{busy(2)} INSERT INTO `{dataset}.ledger` VALUES ('orphan');"
    program = (
        "import sys; from google.auth.credentials import AnonymousCredentials; from google.cloud import bigquery\n"
        "url, sql, job_id = sys.argv[1:]\n"
        "options = {'api_endpoint': url}\n"
        "client = bigquery.Client('local', AnonymousCredentials(), client_options=options)\n"
        "client.query(sql, job_id=job_id, job_retry=None)\n"
        "print('sent', flush=True)\n"
        "client.get_job(job_id).result()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, warehouse.url, sql, job_id], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "sent\n"
        os.kill(process.pid, signal.SIGKILL)
    client.get_job(job_id).result()
    assert rows(client, f"SELECT run_id FROM {dataset}.ledger") == [("orphan",)]


def test_a_job_id_serves_once_and_tells_how_it_ended(client: bigquery.Client, dataset: str) -> None:
    job_id, failing, loading = (uuid.uuid4().hex for _ in range(3))
    run(client, "SELECT 1 AS one", job_id)
    with pytest.raises(BadRequest, match="boom"):
        run(client, "SELECT ERROR('boom')", failing)
    load(client, f"{dataset}.target", [row("1")], loading)
    for known in (job_id, failing):
        with pytest.raises(Conflict):
            run(client, "SELECT 2 AS two", known)
    with pytest.raises(Conflict):
        load(client, f"{dataset}.target", [row("1")], loading)
    found: dict[str, Any] = {known: client.get_job(known) for known in (job_id, failing, loading)}
    assert [tuple(each) for each in found[job_id].result()] == [(1,)]
    assert found[failing].error_result["message"] == "boom"
    assert found[loading].output_rows == 1
    with pytest.raises(NotFound):
        client.get_job(uuid.uuid4().hex)


def test_a_load_keeps_what_the_table_is(client: bigquery.Client, dataset: str) -> None:
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=6)
    create(client, f"{dataset}.stage", ROWS, expires)
    load(client, f"{dataset}.stage", [row("1")])
    table = client.get_table(f"{dataset}.stage")
    assert [field.mode for field in table.schema] == ["REQUIRED", "REQUIRED", "NULLABLE", "NULLABLE"]
    assert (table.expires, table.time_partitioning.field) == (expires, "at")
    with pytest.raises(Conflict):
        create(client, f"{dataset}.stage", ROWS)
    client.delete_table(table)
    with pytest.raises(NotFound):
        client.get_table(f"{dataset}.stage")
    with pytest.raises(NotFound):
        load(client, f"{dataset}.stage", [row("1")])


def test_a_table_expires(client: bigquery.Client, dataset: str) -> None:
    create(client, f"{dataset}.brief", ROWS, datetime.now(UTC) + timedelta(seconds=1))
    time.sleep(1.5)
    with pytest.raises(NotFound):
        client.get_table(f"{dataset}.brief")


@pytest.mark.parametrize("bad", [{"id": None}, {"at": "yesterday"}, {"at": None}, {"n": "many"}])
def test_one_bad_row_refuses_the_load(client: bigquery.Client, dataset: str, bad: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        load(client, f"{dataset}.target", [row("1"), row("2") | bad])
    assert rows(client, f"SELECT * FROM {dataset}.target") == []


@pytest.mark.parametrize("body", [{"a": {"é": [1, 2.5, "☃", None, True]}}, [], {}, [1, [2]], {"wide": 2**80}, None])
def test_json_is_stored_as_sent(client: bigquery.Client, dataset: str, body: Any) -> None:
    load(client, f"{dataset}.staging", [row("1", body=body)])
    commit(client, dataset, "r")
    assert rows(client, f"SELECT body, body IS NULL FROM {dataset}.target") == [(body, body is None)]


def test_a_bare_string_in_a_json_column_is_refused_here_though_not_by_bigquery(
    client: bigquery.Client, dataset: str
) -> None:
    with pytest.raises(BadRequest):
        load(client, f"{dataset}.target", [row("1", body="text")])


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("SAFE_CAST('2026-01-02T03:04:05.678901Z' AS TIMESTAMP)", datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)),
        ("TIMESTAMP('2026-01-02T03:04:05-05:00')", datetime(2026, 1, 2, 8, 4, 5, tzinfo=UTC)),
        ("SAFE_CAST('yesterday' AS TIMESTAMP)", None),
        ("LAX_INT64(JSON '\"7\"')", 7),
        ('JSON_VALUE(JSON \'{"a b": {"c.d": 5}}\', \'$."a b"."c.d"\')', "5"),
        ("JSON_VALUE(JSON '{\"a\": null}', '$.a')", None),
        ("JSON_VALUE_ARRAY(JSON '{\"a\": [\"x\", 1]}', '$.a')", ["x", "1"]),
        ("JSON_TYPE(JSON '[]')", "array"),
        ("SAFE.PARSE_JSON('{')", None),
        ("PARSE_JSON('{\"a\": 1.5}', wide_number_mode=>'round')", {"a": 1.5}),
        ("TIMESTAMP '2026-01-02' IN UNNEST(CAST(NULL AS ARRAY<TIMESTAMP>))", False),
    ],
)
def test_an_expression_means_what_bigquery_says(client: bigquery.Client, expression: str, value: Any) -> None:
    assert rows(client, f"SELECT {expression}") == [(value,)]


def test_pages_hold_every_row_once(client: bigquery.Client, dataset: str) -> None:
    load(client, f"{dataset}.target", [row(f"{number:04d}") for number in range(1050)])
    listed = client.list_rows(f"{client.project}.{dataset}.target", page_size=500)
    assert [page.num_items for page in listed.pages] == [500, 500, 50]
    found = client.query(f"SELECT id FROM {dataset}.target ORDER BY id").result(page_size=400)
    assert [each.id for each in found] == [f"{number:04d}" for number in range(1050)]
