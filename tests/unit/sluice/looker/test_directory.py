"""All enabled users, from the API."""

import json
from datetime import datetime

import pytest

from local.looker.app import ADMIN_ID
from local.looker.cast import Standing
from local.looker.faults import Fault
from local.looker.population import Population
from sluice.errors import DiscoveryFailed
from sluice.looker import directory, discovery
from sluice.looker.brake import Brake
from sluice.looker.discovery import Found
from tests.unit.sluice.looker.conftest import Start
from tests.unit.sluice.looker.sessions import Scripted, client

NOW = datetime.fromisoformat("2026-11-01T00:00:00Z")


def enabled(population: Population) -> set[str]:
    return {ADMIN_ID, *(each.key for each in population.users if each.standing is Standing.ACTIVE)}


@pytest.mark.parametrize("page_cap", [None, 7])
def test_every_enabled_user_is_found_however_short_the_pages(
    start: Start, monkeypatch: pytest.MonkeyPatch, page_cap: int | None
) -> None:
    monkeypatch.setattr(directory, "PAGE_SIZE", 10)
    looker = start(Population(users=35, conversations=0, now=NOW), page_cap=page_cap)
    found = discovery.users(client(looker).admin, brake=Brake())
    assert (set(found.users), set(found.users.values()), found.ignored) == (enabled(looker.population), {None}, 0)
    assert looker.requests.find("/quer") == []


def test_a_user_who_joined_today_is_found_before_system_activity_shows_them(start: Start) -> None:
    looker = start()
    (newcomer,) = looker.population.advance().users
    assert newcomer in discovery.users(client(looker).admin, brake=Brake()).users
    assert newcomer not in discovery.users(client(looker).admin, looker.query_id, brake=Brake()).users


def test_a_filter_and_an_offset_that_go_unheeded() -> None:
    page = json.dumps([{"id": "7"}, {"id": 8, "is_disabled": True}, {"id": "9", "is_disabled": False}]).encode()
    assert discovery.users(Scripted(page, page), brake=Brake()) == Found({"7": None, "9": None}, ignored=0)


def test_ids_that_cannot_be_read_are_counted() -> None:
    page = json.dumps([{"id": "7"}, {"id": "a b"}, {}]).encode()
    assert discovery.users(Scripted(page, b"[]"), brake=Brake()) == Found({"7": None}, ignored=2)


def test_a_refusal_says_what_else_there_is(start: Start) -> None:
    looker = start()
    looker.faults.add(Fault("403", path="/users/search"))
    with pytest.raises(DiscoveryFailed, match="HTTP 403") as caught:
        discovery.users(client(looker).admin, brake=Brake())
    assert "Admin role" in caught.value.hint
    assert "LOOKER_USER_QUERY_ID" in caught.value.hint


@pytest.mark.parametrize("body", [b"{}", b"id\n7\n", b"[7]", b""])
def test_what_is_no_listing_is_a_failure(body: bytes) -> None:
    with pytest.raises(DiscoveryFailed, match="not a list") as caught:
        discovery.users(Scripted(body), brake=Brake())
    assert "LOOKER_BASE_URL" in caught.value.hint
