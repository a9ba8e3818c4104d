"""Sessions at the simulated Looker: who logs in when, and that nobody stays logged in."""

import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.looker.faults import Fault
from sluice.errors import ImpersonationRefused, LoginRefused, LookerMalformed, LookerRefused, LookerUnavailable
from tests.unit.sluice.looker.conftest import Start
from tests.unit.sluice.looker.sessions import assert_journalled, client

SUDO = r"/login/\d+"
LOGIN = "/login$"
ME = '"id":"{}"'


def test_nothing_is_sent_before_it_is_needed(start: Start) -> None:
    looker = start()
    ours = client(looker)
    ours.sudo("12").close()
    ours.close()
    assert looker.requests.total == ours.calls == 0


def test_the_admin_logs_in_once_for_everybody(start: Start) -> None:
    looker = start(latency_seconds=0.05)
    ours = client(looker, workers=50)
    sessions = [ours.sudo("12" if number % 2 else "19") for number in range(50)]
    barrier = threading.Barrier(50)

    def ask(number: int) -> bytes:
        barrier.wait()
        return sessions[number].get("/user")

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(ask, range(50)))
    for number, answer in enumerate(answers):
        assert ME.format("12" if number % 2 else "19").encode() in answer
    assert len(looker.requests.find(LOGIN, "POST")) == 1
    assert len(looker.requests.find(SUDO, "POST")) == 50
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda session: session.close(), sessions))
    assert looker.open_tokens == 1
    ours.close()
    assert looker.open_tokens == 0
    assert_journalled(looker, ours.calls)


def test_many_requests_of_one_user_share_one_token(start: Start) -> None:
    looker = start(latency_seconds=0.02)
    ours = client(looker)
    session = ours.sudo("12")
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: session.get("/user"), range(60)))
    assert len(looker.requests.find(SUDO)) == 1
    assert len(looker.requests.find("/user", user="12", status=200)) == 60


def test_the_secret_goes_in_the_body_and_nowhere_else(start: Start) -> None:
    looker = start()
    client(looker).sudo("12").get("/user", fields="id")
    for record in looker.requests.find():
        assert looker.client_secret not in record.path + record.query


def test_a_token_that_died_early_is_renewed_once(start: Start) -> None:
    looker = start()
    session = client(looker).sudo("12")
    session.get("/user")
    looker.faults.add(Fault("expire", path="/user"))
    assert b'"12"' in session.get("/user")
    assert len(looker.requests.find(SUDO)) == 2
    assert len(looker.requests.find(LOGIN)) == 1
    looker.faults.add(Fault("expire", path="/user", times=None))
    with pytest.raises(LookerRefused) as caught:
        session.get("/user")
    assert caught.value.code == 401
    assert looker.faults.fired["expire"] == 3


def test_a_token_that_died_under_many_threads_is_renewed_once(start: Start) -> None:
    looker = start(latency_seconds=0.05)
    session = client(looker).sudo("12")
    session.get("/user")
    for token in list(looker.tokens._grants):
        if looker.tokens.owner(token) == "12":
            looker.tokens.revoke(token)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: session.get("/user"), range(20)))
    assert len(answers) == 20
    assert len(looker.requests.find(SUDO)) == 2


def test_tokens_are_renewed_before_they_expire(start: Start) -> None:
    """looker-sdk renews ten seconds early: a token of nine seconds is old at once."""
    looker = start(token_seconds=9)
    ours = client(looker)
    for _ in range(3):
        ours.admin.get("/user")
    assert len(looker.requests.find(LOGIN)) == 3
    assert not looker.requests.find(status=401)


def test_an_admin_token_that_died_is_renewed_for_the_next_sudo(start: Start) -> None:
    looker = start()
    ours = client(looker)
    ours.sudo("12").get("/user")
    looker.faults.add(Fault("expire", path=SUDO))
    assert b'"19"' in ours.sudo("19").get("/user")
    assert len(looker.requests.find(LOGIN)) == 2
    assert len(looker.requests.find(SUDO)) == 3


def test_an_admin_token_that_died_under_many_threads_is_renewed_once(start: Start) -> None:
    looker = start(latency_seconds=0.05)
    ours = client(looker)
    ours.admin.get("/user")
    looker.tokens.revoke(ours.admin._auth.current())
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: ours.sudo("12").get("/user"), range(20)))
    assert len(looker.requests.find(LOGIN)) == 2


def test_wrong_credentials_are_told_apart(start: Start) -> None:
    looker = start()
    ours = client(looker, looker_client_secret="canary-secret")
    with pytest.raises(LoginRefused, match="HTTP 404") as caught:
        ours.sudo("12").get("/user")
    assert caught.value.step == "login"
    assert "canary-secret" not in repr(caught.value)


@pytest.mark.parametrize(("user_id", "code"), [("33", 403), ("54", 404), ("9999", 404)])
def test_a_refused_sudo_says_so(start: Start, user_id: str, code: int) -> None:
    """The fourth user is disabled, the seventh deleted."""
    looker = start()
    session = client(looker).sudo(user_id)
    with pytest.raises(LookerRefused) as caught:
        session.get("/user")
    assert (caught.value.code, caught.value.step) == (code, ImpersonationRefused.step)
    session.close()
    assert looker.open_tokens == 1


def test_a_refused_request_is_no_refused_sudo(start: Start) -> None:
    with pytest.raises(LookerRefused) as caught:
        client(start()).sudo("12").get("/conversations/none")
    assert (caught.value.code, caught.value.step) == (404, "looker")


def test_logging_out_ends_the_token_once(start: Start) -> None:
    looker = start()
    session = client(looker).sudo("12")
    session.get("/user")
    assert looker.open_tokens == 2
    session.close()
    session.close()
    assert looker.open_tokens == 1
    assert_journalled(looker, 4)
    assert [record.status for record in looker.requests.find("/logout")] == [204]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["403", "502", "expire"])
def test_a_refused_logout_does_not_stop_anything(start: Start, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    looker = start()
    ours = client(looker, looker_retries=1)
    session = ours.sudo("12")
    session.get("/user")
    looker.faults.add(Fault(kind, path="/logout", times=None))
    session.close()
    assert [record.__dict__["event"] for record in caplog.records] == ["logout_failed"]
    assert "token" not in caplog.records[0].__dict__["error"]


@pytest.mark.usefixtures("impatient")
def test_a_login_that_may_pass_is_tried_again(start: Start) -> None:
    looker = start()
    for kind in ("502", "truncated", "drop", "garbage", "429"):
        looker.faults.add(Fault(kind, path="/login"))
    assert b'"12"' in client(looker).sudo("12").get("/user")
    assert sum(looker.faults.fired.values()) == 5


@pytest.mark.usefixtures("impatient")
def test_a_login_answered_with_anything_else_is_malformed(start: Start) -> None:
    looker = start()
    looker.faults.add(Fault("invalid-json", path=LOGIN, times=None))
    with pytest.raises(LookerMalformed) as caught:
        client(looker).admin.get("/user")
    assert caught.value.step == "login"
    looker.faults.clear()
    looker.faults.add(Fault("503", path=SUDO, times=None))
    with pytest.raises(LookerUnavailable):
        client(looker, looker_retries=1).sudo("12").get("/user")


@pytest.mark.parametrize("prefix", ["canary\n", "canary\r\nX: y", "canary ", "canaryä"])
def test_a_token_that_fits_no_header_is_malformed_and_not_told(start: Start, prefix: str) -> None:
    with pytest.raises(LookerMalformed, match="holds no access token") as caught:
        client(start(token_prefix=prefix)).admin.get("/user")
    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("user_id", ["", "../1", "1/2", "1?x", "1 2", "ä", "1" * 65])
def test_an_id_that_is_no_id_never_reaches_a_path(start: Start, user_id: str) -> None:
    with pytest.raises(ValueError, match="not a Looker user id"):
        client(start()).sudo(user_id)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["500", "502", "503", "truncated", "short", "drop", "garbage", "slow"])
def test_what_starts_work_inside_looker_is_sent_once(start: Start, kind: str) -> None:
    looker = start()
    ours = client(looker, looker_retries=3)
    ours._transport._connections._timeout = 0.2
    looker.faults.add(Fault(kind, path="/queries/", times=None, seconds=1.0 if kind == "slow" else None))
    with pytest.raises(LookerRefused if kind == "500" else LookerUnavailable):
        ours.admin.get(f"/queries/{looker.query_id}/run/json", once=True, limit=-1)
    assert looker.faults.fired[kind] == 1


@pytest.mark.usefixtures("impatient")
def test_what_is_sent_once_is_sent_again_where_it_was_refused_before_it_began(start: Start) -> None:
    looker = start()
    ours = client(looker)
    looker.faults.add(Fault("502", path="/login"), Fault("429", path="/queries/"), Fault("expire", path="/queries/"))
    assert b"user.id" in ours.admin.get(f"/queries/{looker.query_id}/run/json", once=True, limit=-1)
    assert len(looker.requests.find("/queries/", status=200)) == 1


def test_a_body_is_posted_as_json(start: Start) -> None:
    looker = start()
    with pytest.raises(LookerRefused) as caught:
        client(looker).admin.post("/query_tasks", {"query_id": "1", "result_format": "json"}, limit=-1)
    assert caught.value.code == 404
    assert len(looker.requests.find("/query_tasks", "POST")) == 1
