import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from local.looker.cast import Standing
from local.looker.conversations import Conversation
from local.looker.population import Population

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def everything(population: Population) -> list[Conversation]:
    return [each for user in population.users for each in population.conversations_of(user.key)]


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, other = Population(now=NOW), Population(now=NOW)
    assert [each.body() for each in everything(one)] == [each.body() for each in everything(other)]
    assert one.advance(2) == other.advance(2)
    assert [each.body() for each in everything(one)] == [each.body() for each in everything(other)]
    assert [one.expected(key) for key in one.reachable()] == [other.expected(key) for key in other.reachable()]


def test_the_days_to_come_are_the_same_whenever_it_began() -> None:
    """Else a test would see another population in each second of the day."""
    one, other = Population(now=NOW), Population(now=NOW + timedelta(days=20, hours=3, minutes=17, seconds=5))
    assert one.advance(3) == other.advance(3)
    assert [each.user_id for each in everything(one)] == [each.user_id for each in everything(other)]
    since, later = (each.now - timedelta(days=7) for each in (one, other))
    assert one.reachable(since) == other.reachable(later)


def test_another_seed_gives_another_population() -> None:
    one, other = Population(now=NOW), Population(seed=8, now=NOW)
    assert not {each.id for each in everything(one)} & {each.id for each in everything(other)}


def test_it_holds_every_case_a_sync_must_survive(population: Population) -> None:
    held = everything(population)
    standings = {population.user(each.user_id).standing for each in held}  # type: ignore[union-attr] # owners exist
    assert standings == set(Standing)
    assert len(held) == 120
    assert any(each.deleted for each in held)
    assert any(each.missing_agent and each.agent is None for each in held)
    assert any(not each.asked for each in held)
    assert any(each.free_form for each in held)
    assert {each.shape for each in held} == {"plain", "debug", "snake"}
    assert len({each.agent_id for each in held}) == 6
    assert len({each.explore for each in held}) == 4
    assert {each.sent() is None for each in held if not each.asked} == {True, False}


def test_one_user_holds_many_and_some_hold_none(population: Population) -> None:
    owned = Counter(each.user_id for each in everything(population))
    (_, most), (_, second) = owned.most_common(2)
    assert most > 2 * second
    assert any(user.standing is Standing.ACTIVE and user.key not in owned for user in population.users)


def test_it_holds_every_documented_kind_and_unknown_ones(population: Population) -> None:
    kinds: Counter[str] = Counter()
    for each in everything(population):
        for message in each.expected()["messages"]:
            for key, value in message.get("systemMessage", {}).items():
                kinds[key] += 1
                if isinstance(value, dict):
                    kinds.update(f"{key}.{inner}" for inner in value)
                    kinds[f"{key}.{value.get('textType')}"] += 1
    texts = {f"text.{name}" for name in ("THOUGHT", "PROGRESS", "FINAL_RESPONSE", "FOLLOWUP_QUESTIONS")}
    queries = {"schema.query", "data.query", "chart.query", "analysis.query", "chart.result", "data.result"}
    data = {"data.generatedSql", "data.generatedLookerQuery", "data.matchedQuery", "data.bigQueryJob"}
    others = {"analysis.progressEvent", "error", "clarification", "exampleQueries", "citation", "confidence"}
    assert texts | queries | data | others <= set(kinds)
    assert {"keyDriverAnalysis", "outlierDetection", "periodComparison", "advancedInsight"} & set(kinds)


def test_moments_lie_in_the_window_and_in_order(population: Population) -> None:
    for each in everything(population):
        assert NOW - timedelta(days=30) <= each.created_at <= each.updated_at <= NOW
        assert all(one < other for one, other in pairwise((each.created_at, *each.asked)))
        stamps = [turn["asked_at"] for turn in population.turns(each.id)]
        assert len(stamps) == len(each.asked)


def test_message_ids_are_unique_and_orders_count_up(population: Population) -> None:
    ids: Counter[str] = Counter()
    for each in everything(population):
        messages = each.expected()["messages"]
        ids.update(message["id"] for message in messages)
        assert [message["order"] for message in messages] == list(range(len(messages)))
    assert max(ids.values()) == 1


@pytest.mark.parametrize("mean_kb", [24, 100, 400])
def test_the_mean_size_is_about_what_was_asked(mean_kb: int) -> None:
    held = everything(Population(conversations=300, mean_kb=mean_kb, now=NOW))
    assert 0.75 * mean_kb < sum(len(each.body()) for each in held) / len(held) / 1000 < 1.25 * mean_kb


def test_reachable_is_what_a_sync_must_find(population: Population) -> None:
    found = set(population.reachable())
    active = {user.key for user in population.users if user.standing is Standing.ACTIVE}
    assert found == {each.id for each in everything(population) if each.user_id in active and not each.deleted}
    with_deleted = set(population.reachable(include_deleted=True))
    assert {population.expected(key)["deleted"] for key in with_deleted - found} == {True}
    since = NOW - timedelta(days=7)
    recent = set(population.reachable(since))
    assert recent
    assert recent == {key for key in found if population.expected(key)["updated_at"] >= since}


def test_advance_is_the_next_day(population: Population) -> None:
    before = {each.id: each for each in everything(population)}
    texts = {key: each.expected()["messages"] for key, each in before.items()}
    changes = population.advance()
    after = {each.id: each for each in everything(population)}
    assert population.now == NOW + timedelta(days=1)
    assert set(after) - set(before) == set(changes.created)
    assert {key for key in before if after[key] != before[key]} == {*changes.updated, *changes.deleted}
    for key in changes.updated:
        assert NOW < after[key].updated_at <= population.now
        messages = after[key].expected()["messages"]
        assert messages[: len(texts[key])] == texts[key]
        assert len(messages) > len(texts[key])
    for key in changes.deleted:
        assert after[key].deleted
        assert not before[key].deleted
        assert key not in population.reachable()
    for key in changes.created:
        assert NOW <= after[key].created_at <= population.now


def test_a_new_user_shows_in_discovery_a_day_late(population: Population) -> None:
    changes = population.advance()
    (newcomer,) = changes.users
    held = {each.id for each in population.conversations_of(newcomer)}
    assert held
    assert held <= set(changes.created)
    assert newcomer not in {user.key for user in population.discoverable()}
    assert not held & set(population.reachable())
    population.advance()
    assert newcomer in {user.key for user in population.discoverable()}
    assert held <= set(population.reachable())


def test_advance_while_others_read() -> None:
    population = Population(users=3, conversations=30, now=NOW)
    failures: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                everything(population)
            except KeyError as error:
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    population.advance(60)
    done.set()
    reader.join()
    assert not failures


def test_a_population_of_one_and_of_none() -> None:
    assert len(Population(users=1, conversations=3, now=NOW).reachable()) == 3
    assert Population(users=1, conversations=0, now=NOW).reachable() == ()


@pytest.mark.parametrize("wrong", [{"users": 0}, {"conversations": -1}, {"mean_kb": 0}, {"days": 0}])
def test_a_count_that_makes_no_sense_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        Population(**wrong, now=NOW)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Population(now=datetime(2026, 11, 1))  # noqa: DTZ001 (the very mistake under test)


def test_no_day_backwards(population: Population) -> None:
    with pytest.raises(ValueError, match="days"):
        population.advance(0)


def test_bodies_are_compact_json(population: Population) -> None:
    for each in everything(population)[:20]:
        body = json.loads(each.body())
        assert body["id"] == each.id
        assert b"\n" not in each.body()
