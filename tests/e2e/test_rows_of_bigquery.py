"""Rows that BigQuery does not keep: refused by its load, or expired as soon as they are written."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import bigquery

from local.looker.population import Population
from sluice.warehouse.rows import Encoded, Encoder
from tests.conftest import Install
from tests.support.truth import assert_holds, days_ago, everything, watermarks


def test_a_row_that_the_load_refuses_is_rejected_and_stops_no_other(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = install(Population(users=3, conversations=12, mean_kb=8, now=days_ago(1)))
    expected = everything(installation.population)
    bad = min(expected)
    encode = Encoder.encode

    def as_if_it_fitted(self: Encoder, row: Any) -> Encoded:
        """No input is known that passes the encoder and not the load: it is let pass here."""
        line = encode(self, row)
        if row.get("id") == bad and row["kind"] == "conversation":
            return Encoded(line.text.replace(b'"message_count":', b'"message_count":"many",'))
        return line

    monkeypatch.setattr(Encoder, "encode", as_if_it_fitted)
    with installation.function() as function:
        first = function.post("/historical")
        installation.looker.requests.clear()
        second = function.post("/historical")
    assert (first.status, first.body["state"]) == (200, "completed"), first
    assert first.body["conversations"]["rejected"] == 1
    assert first.body["conversations"]["fetched"] == len(expected) - 1
    (row,) = installation.rows("rejects")
    assert (row["id"], row["raw"], row["run_id"]) == (bad, None, first.body["run_id"])
    assert row["reason"].startswith("BigQuery refused the row: ")
    assert_holds(installation, {id: each for id, each in expected.items() if id != bad})
    assert all(watermarks(installation).values())
    assert (second.body["state"], installation.fetched()) == ("completed", [])


def test_what_would_expire_at_once_is_not_fetched(install: Install) -> None:
    installation = install(Population(users=3, conversations=30, mean_kb=8, now=days_ago(1)))
    expected = everything(installation.population)
    created = sorted(row["created_at"] for row in expected.values())
    keep = datetime.now(UTC) - created[len(created) // 2]
    table = installation.client.get_table(f"{installation.dataset}.conversations")
    milliseconds = int(keep / timedelta(milliseconds=1))
    table.time_partitioning = bigquery.TimePartitioning(field="created_at", expiration_ms=milliseconds)
    installation.client.update_table(table, ["time_partitioning"])
    kept = {id for id, row in expected.items() if row["created_at"] >= datetime.now(UTC) - keep - timedelta(days=1)}
    assert 0 < len(kept) < len(expected)
    with installation.function() as function:
        answer = function.post("/historical")
    assert (answer.status, answer.body["state"]) == (200, "completed"), answer
    assert set(installation.fetched()) == kept
    assert answer.body["conversations"]["unchanged"] == len(expected) - len(kept)
    assert_holds(installation, {id: expected[id] for id in kept})
