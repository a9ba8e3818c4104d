"""Listing and fetching at the simulated Looker, and what no simulation sends."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.looker import conversations as simulated
from local.looker.faults import Fault
from local.looker.population import Population
from sluice.errors import LookerMalformed, LookerRefused
from sluice.looker.conversations import (
    MOST_IDLE_PAGES,
    Conversation,
    Listed,
    PageSize,
    Unreadable,
    fetch,
    pages,
    timestamp,
)
from sluice.looker.session import Session
from tests.unit.sluice.looker.conftest import NOW, Start
from tests.unit.sluice.looker.sessions import Meddled, Scripted, client

HEAVY = "12"
"""The user who holds about half of the population's conversations."""
EVER = datetime(1970, 1, 1, tzinfo=UTC)


def of(population: Population, *, deleted: bool = False) -> list[simulated.Conversation]:
    """The heavy user's conversations, newest first."""
    owned = [each for each in population.conversations_of(HEAVY) if each.deleted is deleted]
    return sorted(owned, key=lambda each: each.updated_at, reverse=True)


def listed(session: Session, size: int, since: datetime = EVER, *, deleted: bool = False) -> list[Listed]:
    found = [item for page in pages(session, PageSize(size), deleted=deleted, since=since) for item in page]
    assert len({item.id for item in found}) == len(found), "a conversation came twice"
    return found


def ids(items: list[Any]) -> list[str]:
    return [item.id for item in items]


@pytest.fixture
def session(start: Start) -> Session:
    return client(start()).sudo(HEAVY)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 10, 50, 100, 1000])
def test_everything_is_listed_once_newest_first(session: Session, population: Population, size: int) -> None:
    expected = of(population)
    found = listed(session, size)
    assert ids(found) == ids(expected)
    assert [(item.updated_at, item.deleted) for item in found] == [(each.updated_at, False) for each in expected]


def test_a_page_that_is_exactly_full_is_followed_by_the_end(session: Session, population: Population) -> None:
    count = len(of(population))
    asked = Meddled(session, lambda number, query: None)
    assert len(listed(asked, count)) == count
    assert asked.asked == 2
    one_page = Meddled(session, lambda number, query: None)
    listed(one_page, count + 1)
    assert one_page.asked == 2, "a first short page may be a page that Looker capped"


def test_a_size_that_was_seen_saves_the_second_question(session: Session, population: Population) -> None:
    size = PageSize(10)
    for number in (4, 2):
        asked = Meddled(session, lambda number, query: None)
        since = of(population)[number].updated_at
        found = [item for page in pages(asked, size, deleted=False, since=since) for item in page]
        assert len(found) == number + 1
        assert asked.asked == 1


def test_the_listing_stops_at_the_window(session: Session, population: Population) -> None:
    expected = of(population)
    assert len(expected) > 40
    for number in (0, 5, 12):
        asked = Meddled(session, lambda number, query: None)
        found = listed(asked, 10, since=expected[number].updated_at)
        assert ids(found) == ids(expected[: number + 1]), "what changed at the very start of the window is inside"
        assert asked.asked <= 1 + (number + 10) // 7
    assert listed(session, 10, since=NOW + timedelta(days=1)) == []


@pytest.mark.parametrize("sorts", ["updated_at", "created_at", "name desc", "id"])
@pytest.mark.parametrize("size", [5, 10])
def test_answers_in_another_order_are_read_to_the_end(
    session: Session, population: Population, sorts: str, size: int
) -> None:
    expected = of(population)[:6]
    unsorted = Meddled(session, lambda number, query: query.update(sorts=sorts))
    found = listed(unsorted, size, since=expected[-1].updated_at)
    assert sorted(ids(found)) == sorted(ids(expected))


@pytest.mark.parametrize("cap", [4, 7, 25])
def test_pages_that_looker_caps_are_read_to_the_end(session: Session, population: Population, cap: int) -> None:
    capped = Meddled(session, lambda number, query: query.update(limit=min(cap, query["limit"])))
    assert ids(listed(capped, 100)) == ids(of(population))


def test_a_looker_that_ignores_the_offset_is_neither_asked_for_ever_nor_believed(
    session: Session, population: Population
) -> None:
    stuck = Meddled(session, lambda number, query: query.update(offset=0))
    found: list[Listed] = []
    with pytest.raises(LookerMalformed, match="repeats itself"):
        found.extend(item for page in pages(stuck, PageSize(10), deleted=False, since=EVER) for item in page)
    assert ids(found) == ids(of(population)[:10])
    assert stuck.asked == 1 + MOST_IDLE_PAGES


def test_soft_deleted_ones_are_another_listing(session: Session, population: Population) -> None:
    expected = of(population, deleted=True)
    found = listed(session, 10, deleted=True)
    assert expected
    assert ids(found) == ids(expected)
    assert all(item.deleted for item in found)


def vanish(population: Population, *gone: simulated.Conversation) -> None:
    population._store(*(replace(each, deleted=True) for each in gone))


@pytest.mark.parametrize("gone", [1, 3, 4, 8, 10, 15])
@pytest.mark.parametrize("size", [4, 10, 20])
@pytest.mark.parametrize("when", [1, 2])
def test_deletions_meanwhile_hide_nothing(
    session: Session, population: Population, gone: int, size: int, when: int
) -> None:
    """What is deleted moves all later ones up, over the edge of the next page."""
    before = of(population)

    def delete(number: int, query: dict[str, Any]) -> None:
        if number == when:
            vanish(population, *before[:gone])

    found = listed(Meddled(session, delete), size)
    assert set(ids(of(population))) <= set(ids(found)) <= set(ids(before))


def test_deletions_that_empty_the_next_page_hide_nothing(session: Session, population: Population) -> None:
    before = of(population)
    size = len(before) - 2

    def delete(number: int, query: dict[str, Any]) -> None:
        if number == 1:
            vanish(population, *before[:20])

    assert set(ids(of(population))) <= set(ids(listed(Meddled(session, delete), size)))


def test_a_user_with_one_conversation_costs_two_questions_at_most(start: Start) -> None:
    population = Population(users=1, conversations=1, now=NOW)
    asked = Meddled(client(start(population)).sudo(HEAVY), lambda number, query: None)
    assert len(listed(asked, 100)) == 1
    assert asked.asked == 2


@pytest.mark.parametrize(("size", "touched"), [(5, 2), (10, 7), (10, 20), (20, 17)])
def test_new_activity_meanwhile_hides_nothing(
    session: Session, population: Population, size: int, touched: int
) -> None:
    """What changes goes to the top and moves the others down; itself it belongs to the next window."""
    before = of(population)

    def touch(number: int, query: dict[str, Any]) -> None:
        if number in (1, 3):
            chosen = before[number - 1 : 2 * touched : 2]
            population._store(*(replace(each, updated_at=NOW + timedelta(minutes=number)) for each in chosen))

    found = listed(Meddled(session, touch), size)
    untouched = {each.id for each in of(population) if each.updated_at <= NOW}
    assert len(untouched) > 10
    assert untouched <= set(ids(found))


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"null", b'["a"]', b"[{}]", b'[{"id": null}]', b'[{"id": [1]}]', b"[{", b'[{"id": ' + b"[" * 100_000],
)
def test_a_page_that_is_no_list_of_conversations_is_malformed(body: bytes) -> None:
    with pytest.raises(LookerMalformed) as caught:
        listed(Scripted(body), 10)
    assert caught.value.step == "list"


@pytest.mark.parametrize("updated_at", [None, "", "yesterday", 17, "0001-01-01T00:00:00+14:00", {"a": 1}])
def test_a_conversation_without_a_readable_time_is_always_listed(updated_at: Any) -> None:
    items = [{"id": 7, "updated_at": updated_at}, {"id": "8", "updated_at": "2026-01-01T00:00:00Z"}]
    found = listed(Scripted(json.dumps(items).encode(), json.dumps(items[1:]).encode()), 10, since=NOW)
    assert found == [Listed("7", None, deleted=False)]


@pytest.mark.parametrize("shown", [None, "true", 1])
def test_what_is_not_told_about_deletion_is_what_was_asked_for(shown: Any) -> None:
    page = json.dumps([{"id": "7", "deleted": shown}]).encode()
    assert listed(Scripted(page, b"[]"), 10, deleted=True) == [Listed("7", None, deleted=True)]


@pytest.mark.parametrize(
    ("lengths", "last"),
    [
        ([0], [True]),
        ([5, 5, 4], [False, False, True]),
        ([3, 5, 5, 3], [False, False, False, True]),
        ([2, 0], [False, True]),
    ],
)
def test_a_page_shorter_than_the_longest_is_the_last(lengths: list[int], last: list[bool]) -> None:
    size = PageSize(10)
    assert [size.is_last(length) for length in lengths] == last


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-09-28T17:30:00.000Z", datetime(2026, 9, 28, 17, 30, tzinfo=UTC)),
        ("2026-09-28T17:30:00.000+02:00", datetime(2026, 9, 28, 15, 30, tzinfo=UTC)),
        ("2026-09-28T17:30:00", datetime(2026, 9, 28, 17, 30, tzinfo=UTC)),
        ("2026-09-28T17:30:00.123456789Z", datetime(2026, 9, 28, 17, 30, 0, 123456, tzinfo=UTC)),
        ("2026-09-28", datetime(2026, 9, 28, tzinfo=UTC)),
        ("9999-12-31T23:59:59-14:00", None),
        ("", None),
        (None, None),
        ("2026-09-28 17:30:00 UTC", datetime(2026, 9, 28, 17, 30, tzinfo=UTC)),
        ("2026-09-28 19:30:00 +0200", datetime(2026, 9, 28, 17, 30, tzinfo=UTC)),
        (1790616600, datetime(2026, 9, 28, 17, 30, tzinfo=UTC)),
        (1790616600.25, datetime(2026, 9, 28, 17, 30, 0, 250_000, tzinfo=UTC)),
        (1790616600123, datetime(2026, 9, 28, 17, 30, 0, 123_000, tzinfo=UTC)),
        (1790616600123456, datetime(2026, 9, 28, 17, 30, 0, 123_456, tzinfo=UTC)),
        (1790616600123456789, datetime(2026, 9, 28, 17, 30, 0, 123_456, tzinfo=UTC)),
        ("1790616600123", datetime(2026, 9, 28, 17, 30, 0, 123_000, tzinfo=UTC)),
        ({"seconds": "1790616600", "nanos": 5000}, datetime(2026, 9, 28, 17, 30, 0, 5, tzinfo=UTC)),
        ({"seconds": {"low": 1790616600, "high": 0}}, datetime(2026, 9, 28, 17, 30, tzinfo=UTC)),
        ({"seconds": 10**30}, None),
        ({"seconds": "soon"}, None),
        ({}, None),
        (17, None),
        (10**30, None),
        (True, None),
        ([], None),
    ],
)
def test_timestamps_are_utc(text: object, moment: datetime | None) -> None:
    assert timestamp(text) == moment


def one(population: Population, which: Callable[[simulated.Conversation], bool]) -> simulated.Conversation:
    return next(each for each in of(population) if which(each))


def as_listed(conversation: simulated.Conversation) -> Listed:
    return Listed(conversation.id, conversation.updated_at, conversation.deleted)


def test_a_conversation_is_fetched_whole(session: Session, population: Population) -> None:
    wanted = one(population, lambda each: len(each.asked) > 1)
    before = datetime.now(UTC)
    found = fetch(session, as_listed(wanted))
    assert isinstance(found, Conversation)
    assert found.listed == as_listed(wanted)
    assert found.messages == wanted.expected()["messages"]
    assert found.body == wanted.body()
    assert before <= found.fetched_at <= datetime.now(UTC)
    body = json.loads(wanted.body())
    body.pop("messages")
    assert found.fields == body


def test_messages_that_are_null_are_asked_for(start: Start, session: Session, population: Population) -> None:
    wanted = one(population, lambda each: each.sent() is None)
    found = fetch(session, as_listed(wanted))
    assert isinstance(found, Conversation)
    assert found.messages == []
    assert "messages" not in found.fields


@pytest.mark.parametrize("body", [b'{"id": "7", "messages": null}', b' {"id": "7"} \n', b'{"messages":null,"id":"7"}'])
@pytest.mark.parametrize(
    ("answer", "messages"),
    [(b'[{"id": "1", "message": {"a": 1}}]', [{"id": "1", "a": 1}]), (b"[]", []), (b"", []), (b"null", [])],
)
def test_messages_that_were_left_out_are_asked_for_once(body: bytes, answer: bytes, messages: Any) -> None:
    session = Scripted(body, answer)
    found = fetch(session, Listed("7", NOW, deleted=False))
    assert isinstance(found, Conversation)
    assert found.messages == messages
    assert found.fields == {"id": "7"}
    assert session.paths == ["/conversations/7", "/conversations/7/messages"]


@pytest.mark.parametrize(
    ("body", "reason", "rest"),
    [
        (b"", "not valid JSON", None),
        (b"<html>", "not valid JSON", None),
        (b"[]", "not a JSON object", None),
        (b"[NaN]", "not a JSON object", None),
        (b'{"id": "7", "messages": [', "not valid JSON", None),
        (b'{"id": "7", "messages": {"a": 1}}', "messages is not an array", {"id": "7", "messages": {"a": 1}}),
        (b'{"id": "7", "messages": "text"}', "messages is not an array", {"id": "7", "messages": "text"}),
        (b'{"id": "7", "messages": ["\xff"]}', "not valid UTF-8", None),
        (b'{"id": "\xff", "messages": []}', "not valid UTF-8", None),
        (b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep to be read", None),
    ],
)
def test_what_cannot_be_read_is_asked_for_again_and_then_told(body: bytes, reason: str, rest: Any) -> None:
    session = Scripted(body, body)
    found = fetch(session, Listed("7", NOW, deleted=False))
    assert isinstance(found, Unreadable)
    assert (found.body, found.reason, found.rest) == (body, reason, rest)
    assert session.paths == ["/conversations/7"] * 2


@pytest.mark.parametrize(
    ("answer", "reason", "rest"),
    [
        (b'{"no": "list"}', "the answer to /messages is not an array", {"id": "7", "messages": {"no": "list"}}),
        (b"<html>", "the answer to /messages is not valid JSON", {"id": "7"}),
        (b'["\xff"]', "the answer to /messages is not valid UTF-8", {"id": "7"}),
    ],
)
def test_messages_that_cannot_be_read_are_told_with_their_conversation(answer: bytes, reason: str, rest: Any) -> None:
    found = fetch(Scripted(b'{"id": "7"}', answer, b'{"id": "7"}', answer), Listed("7", NOW, deleted=False))
    assert isinstance(found, Unreadable)
    assert (found.body, found.reason, found.rest) == (b'{"id": "7"}', reason, rest)


def test_messages_that_looker_does_not_know_are_none() -> None:
    """The conversation itself was there just now: the refusal is of its messages alone."""
    found = fetch(
        Scripted(b'{"id": "7", "messages": null}', LookerRefused("no", code=404)), Listed("7", NOW, deleted=False)
    )
    assert isinstance(found, Conversation)
    assert (found.fields, found.messages) == ({"id": "7"}, [])


@pytest.mark.parametrize("code", [403, 422])
def test_messages_that_looker_refuses_are_not_none(code: int) -> None:
    with pytest.raises(LookerRefused):
        fetch(Scripted(b'{"id": "7"}', LookerRefused("no", code=code)), Listed("7", NOW, deleted=False))


def test_an_array_may_be_stored_as_its_text() -> None:
    body = json.dumps({"id": "7", "messages": json.dumps([{"id": "1", "message": {"a": 1}}])}).encode()
    found = fetch(Scripted(body), Listed("7", NOW, deleted=False))
    assert isinstance(found, Conversation)
    assert found.messages == [{"id": "1", "a": 1}]


@pytest.mark.parametrize("answers", [(b'{"id": "7", "messages": []}',), (b'{"id": "7"}', b"[]")])
def test_a_byte_order_mark_is_no_part_of_a_body(answers: tuple[bytes, ...]) -> None:
    found = fetch(Scripted(*(b"\xef\xbb\xbf" + each for each in answers)), Listed("7", NOW, deleted=False))
    assert isinstance(found, Conversation)
    assert (found.fields, found.messages) == ({"id": "7"}, [])


def test_a_byte_order_mark_is_no_part_of_a_page() -> None:
    assert listed(Scripted(b'\xef\xbb\xbf[{"id": "7"}]', b"[]"), 10) == [Listed("7", None, deleted=False)]


def test_a_body_that_comes_broken_once_is_read_the_second_time(start: Start, population: Population) -> None:
    looker = start()
    wanted = one(population, lambda each: len(each.asked) > 1)
    looker.faults.add(Fault("invalid-json", path="/conversations/.*-"))
    found = fetch(client(looker).sudo(HEAVY), as_listed(wanted))
    assert isinstance(found, Conversation)
    assert found.messages == wanted.expected()["messages"]


def test_an_id_is_quoted_in_the_path() -> None:
    session = Scripted(b'{"id": "a/../b?c", "messages": []}')
    fetch(session, Listed("a/../b?c", NOW, deleted=False))
    assert session.paths == ["/conversations/a%2F..%2Fb%3Fc"]


def test_a_conversation_that_vanished_is_refused(session: Session) -> None:
    with pytest.raises(LookerRefused) as caught:
        fetch(session, Listed("gone", NOW, deleted=False))
    assert caught.value.code == 404
