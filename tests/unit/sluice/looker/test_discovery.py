import json
import logging
from datetime import datetime
from typing import Any

import pytest

from local.looker.faults import Fault
from local.looker.population import Population
from sluice.errors import DiscoveryFailed, LookerRefused, LookerUnavailable
from sluice.looker import discovery
from sluice.looker.brake import Brake
from sluice.looker.discovery import Found
from sluice.looker.session import Session
from tests.unit.sluice.looker.conftest import Start
from tests.unit.sluice.looker.sessions import Scripted, client


def warnings(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno >= logging.WARNING]


def find(admin: Session, query_id: str = "", id_key: str = "") -> Found:
    return discovery.users(admin, query_id, id_key, brake=Brake())


def users(admin: Session, query_id: str = "", id_key: str = "") -> list[str]:
    return list(find(admin, query_id, id_key).users)


def ids(population: Population) -> list[str]:
    return [user.key for user in population.discoverable()]


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({}, ""),
        ({"discovery_text_ids": True}, ""),
        ({"discovery_duplicates": True}, ""),
        ({"discovery_field": "history.user_id"}, ""),
        ({"discovery_field": "conversation.owner_id"}, "conversation.owner_id"),
    ],
)
def test_the_users_of_the_query(start: Start, population: Population, options: dict[str, Any], key: str) -> None:
    looker = start(**options)
    assert users(client(looker).admin, looker.query_id, key) == ids(population)


def test_all_rows_are_asked_for(start: Start) -> None:
    looker = start(Population(users=600, conversations=0, now=datetime.fromisoformat("2026-11-01T00:00:00Z")))
    assert len(users(client(looker).admin, looker.query_id)) == 600
    assert "limit=-1" in looker.requests.find("/query_tasks")[0].query


def test_a_failure_inside_looker_is_told_without_its_text(start: Start) -> None:
    looker = start(discovery_error="Unknown field ann.lee@example.com")
    with pytest.raises(DiscoveryFailed, match=f"query {looker.query_id}: HTTP 400") as caught:
        users(client(looker).admin, looker.query_id)
    assert "ann.lee" not in str(caught.value)
    assert "must run there" in caught.value.hint


def test_another_column_is_named_with_those_there_are(start: Start) -> None:
    looker = start(discovery_field="person.id")
    with pytest.raises(
        DiscoveryFailed, match=r"under user.id or history.user_id; its columns are: person.id, user.email"
    ):
        users(client(looker).admin, looker.query_id)
    with pytest.raises(DiscoveryFailed, match=r"under user\.id;"):
        users(client(looker).admin, looker.query_id, "user.id")


@pytest.mark.parametrize("kind", ["403", "404", "invalid-json"])
def test_a_refused_query_is_named(start: Start, kind: str) -> None:
    looker = start()
    looker.faults.add(Fault(kind, path="/results$"))
    with pytest.raises(DiscoveryFailed, match=looker.query_id) as caught:
        users(client(looker).admin, looker.query_id)
    assert caught.value.step == "discover"


@pytest.mark.usefixtures("impatient")
def test_an_unreachable_looker_is_no_failure_of_discovery(start: Start) -> None:
    looker = start()
    looker.faults.add(Fault("502", path="/quer", times=None))
    with pytest.raises(LookerUnavailable):
        users(client(looker, looker_retries=1).admin, looker.query_id)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], []),
        ([{"user.id": 7}, {"user.id": "7"}, {"user.id": 7.0}, {"user.id": 8}], ["7", "8"]),
        ([{"user.id": None, "history.user_id": 9}], ["9"]),
        ([{"user.id": 7, "history.user_id": 9}], ["7"]),
        ([{"user.id": "1,234"}, {"user.id": "8.0"}, {"user.id": 1234}, {"user.id": " 8 "}], ["1234", "8"]),
    ],
)
def test_ids_are_numbers_or_text(rows: Any, found: list[str], caplog: pytest.LogCaptureFixture) -> None:
    assert users(Scripted(json.dumps(rows).encode()), "q") == found
    assert not warnings(caplog)


@pytest.mark.parametrize("odd", [None, "", "../1", "a b", [1], {"id": 1}, True, 7.5, 1e300, "8.000", -1])
def test_rows_without_an_id_are_left_out_and_counted(odd: Any, caplog: pytest.LogCaptureFixture) -> None:
    rows = [{"user.id": 7}, {"user.id": odd}, {"other": 1}]
    assert find(Scripted(json.dumps(rows).encode()), "q") == Found({"7": None}, ignored=2)
    assert [vars(record)["rows"] for record in warnings(caplog)] == [2]


@pytest.mark.parametrize("body", [b"", b"user.id\n7\n", b"{}", b'[1, "a"]', b'"text"', b"null", b"[{]"])
def test_what_is_no_list_of_rows_is_a_failure(body: bytes) -> None:
    with pytest.raises(DiscoveryFailed, match="query q was not answered with a list of rows") as caught:
        users(Scripted(body), "q")
    assert "LOOKER_BASE_URL" in caught.value.hint


def test_the_refusal_is_kept_as_the_cause() -> None:
    refusal = LookerRefused("GET x: HTTP 422", code=422)
    with pytest.raises(DiscoveryFailed, match="HTTP 422") as caught:
        users(Scripted(refusal), "q")
    assert caught.value.__cause__ is refusal
