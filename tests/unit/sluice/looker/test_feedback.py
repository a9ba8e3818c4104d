"""Ratings, from a System Activity query."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from local.looker.faults import Fault
from sluice.errors import FeedbackFailed, LoginRefused
from sluice.looker.brake import Brake
from sluice.looker.feedback import Columns, Rating, ratings
from tests.unit.sluice.looker.conftest import Start
from tests.unit.sluice.looker.sessions import Scripted, client

COLUMNS = Columns("conversation.id", "conversation_sa_telemetry.rating", "conversation_sa_telemetry.timestamp")
SHORT = Columns("c", "r", "t", "u", "m")
ROW = {"c": "c1", "r": "THUMBS_UP", "t": "2026-03-01 10:00:00", "u": 7, "m": "Thanks"}


def warnings(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.WARNING]


def read(*rows: Any, columns: Columns = SHORT) -> list[Rating]:
    return ratings(Scripted(json.dumps(rows).encode()), "q", columns, Brake())


def test_the_ratings_of_the_simulated_looker(start: Start) -> None:
    looker = start()
    found = ratings(client(looker).admin, looker.options.feedback_query_id, COLUMNS, Brake())
    assert {(each.rating, each.positive) for each in found} == {("THUMBS_UP", True), ("THUMBS_DOWN", False)}
    for each in found:
        conversation = looker.population.conversation(each.conversation_id)
        assert conversation is not None
        assert conversation.created_at < each.rated_at
        assert (each.user_id, each.comment) == (None, None), "not asked for, not read"


def test_a_row_in_full() -> None:
    moment = datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert read(ROW) == [Rating("c1", moment, "THUMBS_UP", positive=True, user_id="7", comment="Thanks")]


@pytest.mark.parametrize(
    ("rating", "positive"), [("thumbs down", False), ("Yes", True), ("4 stars", None), (5, None), (True, True)]
)
def test_a_rating_is_good_or_bad_or_neither_is_known(rating: Any, positive: bool | None) -> None:
    assert [each.positive for each in read({**ROW, "r": rating})] == [positive]


@pytest.mark.parametrize("rating", [None, ""])
def test_a_row_without_a_rating_is_none(rating: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert read({**ROW, "r": rating}) == []
    assert not warnings(caplog)


@pytest.mark.parametrize("odd", [{"c": None}, {"c": ""}, {"c": [1]}, {"t": None}, {"t": "yesterday"}, {"r": ["up"]}])
def test_a_row_that_cannot_be_read_is_left_out_and_logged(odd: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert len(read(ROW, {**ROW, **odd})) == 1
    assert [vars(record)["rows"] for record in warnings(caplog)] == [1]


def test_no_rows_are_no_ratings() -> None:
    assert read() == []


def test_a_column_that_is_not_there_is_named_with_those_there_are() -> None:
    with pytest.raises(FeedbackFailed, match="has no m; its columns are: c, r, t, u") as caught:
        read({key: value for key, value in ROW.items() if key != "m"})
    assert "LOOKER_FEEDBACK_" in caught.value.hint


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["403", "404", "500", "502", "drop", "garbage"])
def test_whatever_fails_is_a_failure_of_the_ratings(start: Start, kind: str) -> None:
    looker = start()
    looker.faults.add(Fault(kind, path="/quer", times=None))
    with pytest.raises(FeedbackFailed) as caught:
        ratings(client(looker, looker_retries=1).admin, looker.options.feedback_query_id, COLUMNS, Brake())
    assert "LOOKER_FEEDBACK_QUERY_ID" in caught.value.hint


def test_an_api_key_that_is_refused_is_not(start: Start) -> None:
    looker = start()
    with pytest.raises(LoginRefused):
        ratings(client(looker, looker_client_secret="wrong").admin, "1", COLUMNS, Brake())
