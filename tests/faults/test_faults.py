"""Each fault at each endpoint: what may pass leaves no trace but in the count of calls."""

import pytest

from local.looker.faults import Fault
from local.looker.population import Population
from tests.conftest import Install
from tests.support.truth import assert_holds, days_ago, everything

LOGIN, LOGIN_USER, QUERY, SEARCH = r"/login$", r"/login/\d+$", r"/query_tasks/[^/]+/results$", r"/conversations/search$"
CONVERSATION, MESSAGES, LOGOUT = r"/conversations/(?!search)[^/]+$", r"/messages$", r"/logout$"
ENDPOINTS = (LOGIN, LOGIN_USER, QUERY, SEARCH, CONVERSATION, MESSAGES, LOGOUT)

# Two kinds a run, each once at every endpoint: a run costs seconds, and the second kind then meets other requests.
PASSING = [
    pytest.param(("429", "drop"), id="429+drop"),
    pytest.param(("503", "truncated"), id="503+truncated", marks=pytest.mark.slow),
    pytest.param(("502", "short"), id="502+short", marks=pytest.mark.slow),
    pytest.param(("500", "garbage"), id="500+garbage", marks=pytest.mark.slow),
]

# Kinds whose answer was given and lost: a token in it is open, and nobody knows it.
LOSING = {"short", "truncated"}
LOGINS = 2


def population() -> Population:
    """Active users only, and a conversation whose messages are null, so that every endpoint is asked."""
    made = Population(seed=3, users=3, conversations=30, mean_kb=16, now=days_ago(1))
    kept = [made.conversation(id) for id in made.reachable()]
    assert any(each is not None and each.sent() is None for each in kept)
    return made


def fault(kind: str, path: str) -> Fault:
    return Fault(kind, path=path, retry_after=0 if kind == "429" else None)


@pytest.mark.parametrize("kinds", PASSING)
def test_what_may_pass_passes_everywhere(install: Install, kinds: tuple[str, str]) -> None:
    installation = install(population())
    looker = installation.looker
    looker.faults.add(*(fault(kind, path) for path in ENDPOINTS for kind in kinds))
    with installation.function() as function:
        answer = function.post("/historical")
    assert (answer.status, answer.body["state"], answer.body["errors"]) == (200, "completed", {})
    assert_holds(installation, everything(installation.population))
    assert installation.rows("rejects") == []
    assert looker.faults.fired == dict.fromkeys(kinds, len(ENDPOINTS))
    assert answer.body["api_calls"] <= len(looker.requests.find())
    assert looker.open_tokens == LOGINS * len(LOSING & set(kinds))


@pytest.mark.slow
def test_slow_answers_and_a_token_that_ends(install: Install) -> None:
    """An answer that outlasts the time-out is asked for again, a token that died early is renewed, both unnoticed."""
    installation = install(population())
    looker = installation.looker
    looker.faults.add(*(Fault("slow", path=path, seconds=7.0) for path in (LOGIN, SEARCH, CONVERSATION, MESSAGES)))
    looker.faults.add(*(Fault("expire", path=path) for path in (LOGIN_USER, QUERY, SEARCH, CONVERSATION, MESSAGES)))
    with installation.function(LOOKER_TIMEOUT_SECONDS="5", LOOKER_RETRIES="2") as function:
        answer = function.post("/historical")
    assert (answer.status, answer.body["state"], answer.body["errors"]) == (200, "completed", {})
    assert_holds(installation, everything(installation.population))
    assert looker.faults.fired == {"slow": 4, "expire": 5}


def test_what_does_not_pass_is_told_and_made_up_for(install: Install) -> None:
    installation = install(population())
    looker, population_ = installation.looker, installation.population
    with installation.function() as function:
        # At the login and at the query of users: the whole run.
        for kind, path, step in (
            ("403", LOGIN, "login"),
            ("invalid-json", LOGIN, "login"),
            ("404", QUERY, "discover"),
            ("invalid-json", QUERY, "discover"),
        ):
            looker.faults.clear()
            looker.faults.add(Fault(kind, path=path))
            answer = function.post("/historical")
            assert (answer.status, answer.body["step"]) == (500, step), (kind, path)
            assert looker.faults.fired == {kind: 1}
        assert installation.rows("conversations") == []
        assert installation.rows("sync_users") == []

        # At what belongs to one user: that user, or that conversation, and nobody else.
        looker.faults.clear()
        looker.faults.add(
            Fault("422", path=rf"/login/{population_.users[1].key}$"),
            Fault("invalid-json", path=SEARCH),
            Fault("404", path=CONVERSATION),
            Fault("403", path=LOGOUT),
        )
        answer = function.post("/historical")
        assert (answer.status, answer.body["state"]) == (200, "partial")
        assert answer.body["users"] == {"seen": 3, "finished": 1, "skipped": 1, "failed": 1, "unfinished": 0}
        assert answer.body["errors"] == {"LookerRefused:impersonate:422": 1, "LookerMalformed:list": 1}
        assert answer.body["conversations"]["vanished"] == 1
        assert looker.faults.fired == {"422": 1, "403": 1, "404": 1, "invalid-json": 1}

        # They are owed their whole windows. Who may not be impersonated is asked for again when named, or after a week.
        looker.faults.clear()
        answer = function.post("/historical?users=" + ",".join(user.key for user in population_.users))
        assert answer.body["state"] == "completed"
        assert_holds(installation, everything(population_))


def test_retry_after_is_honoured_by_every_worker(install: Install) -> None:
    installation = install(Population(seed=3, users=3, conversations=30, mean_kb=16, now=days_ago(1)))
    looker = installation.looker
    looker.faults.add(Fault("429", path=CONVERSATION, retry_after=3, after=5))
    with installation.function(WORKERS="8") as function:
        answer = function.post("/historical?dry-run=true")
    assert answer.body["state"] == "completed"
    calls = looker.requests.find(CONVERSATION)
    (refused,) = [position for position, record in enumerate(calls) if record.status == 429]
    # Those under way may still be answered; nobody starts another before the three seconds are over.
    assert refused < 5 + 8
    assert answer.body["stages"]["transfer"] >= 3
    assert len(calls) == len(installation.population.reachable()) + 1


def test_tokens_that_run_out_during_the_run(install: Install) -> None:
    """The admin's token and the users' own are renewed meanwhile; a token counts as old ten seconds early."""
    installation = install(population(), token_seconds=11.0, latency_seconds=0.15)
    looker = installation.looker
    with installation.function(WORKERS="2") as function:
        answer = function.post("/historical?dry-run=true")
    assert (answer.status, answer.body["state"], answer.body["errors"]) == (200, "completed", {})
    assert answer.body["conversations"]["fetched"] == len(installation.population.reachable())
    assert len(looker.requests.find(LOGIN, "POST")) > 1
    assert len(looker.requests.find(LOGIN_USER, "POST")) > len(installation.population.users)
    assert answer.body["api_calls"] == len(looker.requests.find())
