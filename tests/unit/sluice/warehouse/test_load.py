"""Staging: one upload, one job, one table that expires by itself."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from google.cloud import bigquery

from sluice.deadline import Deadline
from sluice.errors import LoadFailed, WarehouseRefused, WarehouseUnavailable
from sluice.settings import Settings
from sluice.warehouse import load as module
from sluice.warehouse.connection import Connection
from sluice.warehouse.definitions import staging_schema
from sluice.warehouse.load import MAX_BAD_RECORDS, Staging, commit_margin
from tests.fakes import upload as faults
from tests.fakes.upload import QUANTUM, Fault, Uploads
from tests.fakes.upload_server import upload_server
from tests.unit.sluice.warehouse.tables import NOON, conversation, lines, reject, settings

ID = bigquery.SchemaField("id", "STRING")
RUN = "20261101T120000-abc123"
JOB = f"sluice_{RUN}_load"


@contextmanager
def staging(*planned: Fault, job_error: str | None = None) -> Iterator[tuple[Staging, Uploads]]:
    """Against the strict endpoint, in chunks of 256 KiB."""
    with upload_server(Uploads(planned, job_error)) as server, closing(Connection(settings(server.url))) as connection:
        yield Staging(connection, RUN, chunk_bytes=QUANTUM), server.uploads


def body(count: int = 900) -> list[bytes]:
    return [b'{"kind":"conversation","id":"%d","name":"%s"}\n' % (number, b"x" * 1000) for number in range(count)]


def test_all_lines_become_one_job() -> None:
    with staging() as (table, uploads):
        table.load(iter(body()))
        assert uploads.received == {JOB: b"".join(body())}
        assert (table.job_id, table.bytes_sent) == (JOB, len(b"".join(body())))
        load = uploads.jobs[JOB]["configuration"]["load"]
        reference = uploads.jobs[JOB]["jobReference"]
    assert load["destinationTable"] == {
        "projectId": "p",
        "datasetId": "looker_agents",
        "tableId": f"staging_{RUN.replace('-', '_')}",
    }
    assert load["createDisposition"] == "CREATE_NEVER"
    assert load["sourceFormat"] == "NEWLINE_DELIMITED_JSON"
    assert int(load["maxBadRecords"]) == MAX_BAD_RECORDS == 1000
    assert [field["name"] for field in load["schema"]["fields"]] == [field.name for field in staging_schema()]
    assert reference == {"projectId": "p", "jobId": JOB, "location": "US"}


def test_a_load_is_encrypted_under_the_key_of_the_installation() -> None:
    key = "projects/p/locations/us/keyRings/r/cryptoKeys/k"
    with upload_server(Uploads()) as server, closing(Connection(settings(server.url, bq_kms_key=key))) as connection:
        Staging(connection, RUN, chunk_bytes=QUANTUM).load(iter(body()))
        load = server.uploads.jobs[JOB]["configuration"]["load"]
    assert load["destinationEncryptionConfiguration"] == {"kmsKeyName": key}


def test_no_line_makes_no_job_and_no_request() -> None:
    with staging() as (table, uploads):
        table.load(iter([]))
        assert (table.job_id, table.bytes_sent, uploads.requests) == (None, 0, [])


def test_a_lost_last_answer_is_looked_up() -> None:
    with staging(faults.answer_lost(len(b"".join(body())) // QUANTUM)) as (table, uploads):
        table.load(iter(body()))
        assert table.job_id == JOB
        assert uploads.received == {JOB: b"".join(body())}


def test_an_upload_that_ended_without_a_job_may_be_tried_again() -> None:
    with staging(faults.session_lost(1)) as (table, uploads):
        with pytest.raises(WarehouseUnavailable, match="no job of it") as caught:
            table.load(iter(body()))
        assert (caught.value.status, caught.value.step) == (503, "load")
        assert "begins where this one did" in caught.value.hint
        assert (table.job_id, uploads.jobs) == (None, {})


@pytest.mark.parametrize("after", [0, 1, 500])
def test_no_job_after_a_failure_upstream(after: int) -> None:
    def failing() -> Iterator[bytes]:
        yield from body()[:after]
        raise WarehouseRefused("stands for any error of the source")

    with staging() as (table, uploads):
        with pytest.raises(WarehouseRefused, match="stands for any"):
            table.load(failing())
        assert (table.job_id, uploads.jobs, uploads.open_sessions) == (None, {}, 0)


def test_a_failed_job_is_named_and_its_text_stays_inside() -> None:
    with staging(job_error="no such field: secret text") as (table, _):
        with pytest.raises(LoadFailed, match=f"{JOB}: invalid") as caught:
            table.load(iter(body(1)))
        assert "secret" not in str(caught.value)
        assert caught.value.status == 500


def test_a_refused_upload_is_told() -> None:
    with staging(faults.forbidden(None)) as (table, _), pytest.raises(WarehouseRefused, match="HTTP 403"):
        table.load(iter(body(1)))


def test_staged_in_the_emulator(connection: Connection, installation: Settings) -> None:
    table = Staging(connection, RUN)
    table.create()
    table.create()
    created = connection.client.get_table(table.table)
    assert abs(created.expires - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=5)
    assert created.labels == {"source": "looker", "content": "staging"}
    assert [(field.name, field.mode) for field in created.schema] == [
        (field.name, "NULLABLE") for field in staging_schema()
    ]
    table.load(lines([conversation("1", sources=[{"model": "m"}]), reject("2")]))
    staged = {row["id"]: dict(row) for row in connection.client.list_rows(table.table)}
    assert staged["1"]["sources"] == [{"model": "m"}]
    assert (staged["2"]["kind"], staged["2"]["raw"], staged["2"]["updated_at"]) == ("reject", "{", NOON)
    table.drop()
    table.drop()
    assert table.table.rpartition(".")[2] not in _tables(connection.client, installation.bq_dataset)


def _tables(client: bigquery.Client, dataset: str) -> list[str]:
    return [table.table_id for table in client.list_tables(dataset)]


def test_a_table_that_cannot_be_dropped_is_left_to_expire(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DROP_SECONDS", 0.2)
    with closing(Connection(settings("http://127.0.0.1:9"))) as connection:
        Staging(connection, RUN).drop()
    assert [vars(record)["event"] for record in caplog.records] == ["staging_left"]


def test_a_dataset_that_is_not_there_is_told(connection: Connection, installation: Settings) -> None:
    elsewhere = installation.model_copy(update={"bq_dataset": "no_such_dataset"})
    with closing(Connection(elsewhere)) as other, pytest.raises(WarehouseRefused, match="NotFound") as caught:
        Staging(other, RUN).create()
    assert caught.value.step == "load"


@pytest.mark.parametrize(
    ("staged", "limit", "margin"), [(0, 1680, 120), (1_000_000_000, 1680, 220), (10**12, 1680, 840), (0, 6, 3)]
)
def test_the_more_is_staged_the_more_time_is_kept_for_the_commit(staged: int, limit: float, margin: float) -> None:
    assert commit_margin(staged, limit) == margin


def test_fetching_ends_earlier_the_more_was_sent() -> None:
    moments: list[float] = []
    with staging() as (table, _):
        table._connection._deadline = deadline = Deadline(1000)
        table.load(iter(body()), tuple, moments.append)
    assert moments[0] == deadline.at - 120
    assert moments == sorted(moments, reverse=True)
    assert moments[-1] == deadline.at - 120 - len(b"".join(body())) / 10_000_000


def test_the_last_lines_are_asked_for_last_and_alone_make_no_job() -> None:
    order: list[str] = []

    def rows() -> Iterator[bytes]:
        yield from body(2)
        order.append("rows")

    def last() -> list[bytes]:
        order.append("last")
        return [b'{"kind":"run"}\n']

    with staging() as (table, uploads):
        table.load(iter(()), last)
        assert uploads.requests == []
        order.clear()
        table.load(rows(), last)
        assert uploads.received[JOB] == b"".join(body(2)) + b'{"kind":"run"}\n'
    assert order == ["rows", "last"]


def test_last_lines_too_many_for_a_parameter_are_staged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PARAMETER_BYTES", 10)
    with staging() as (table, uploads):
        table.load(iter(()), lambda: [b"123456\n", b"7\n"])
        assert (uploads.received, uploads.requests) == ({}, [])
        table.load(iter(()), lambda: [b"123456\n", b"7890\n"])
        assert uploads.received[JOB] == b"123456\n7890\n"


def test_rows_that_the_load_refuses_are_counted(connection: Connection) -> None:
    table = Staging(connection, f"{RUN}-refused")
    table.create()
    bad = [b'{"kind":"conversation","id":"bad","created_at":"not a time"}\n', b"no json\n"]
    table.load(chain(bad, lines([conversation("good")])))
    assert table.refused_rows == 2
    assert [row["id"] for row in connection.client.list_rows(table.table)] == ["good"]
    table.drop()


def test_a_row_of_36_mb_is_loaded(connection: Connection) -> None:
    table = Staging(connection, f"{RUN}-large")
    table.create()
    large = conversation("large", messages=[{"text": "x" * 900_000}] * 40)
    table.load(lines([large, conversation("small")]))
    assert sorted(row["id"] for row in connection.client.list_rows(table.table, selected_fields=[ID])) == [
        "large",
        "small",
    ]
    table.drop()
