"""Each kind of fault, as a real HTTP client sees it."""

import json
import logging
import time

import pytest
import urllib3
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from local.looker.conversations import Conversation
from local.looker.faults import KINDS, Fault
from tests.unit.local.looker.client import Client


@pytest.fixture
def held(client: Client) -> Conversation:
    return next(each for each in client.looker.population.conversations_of("12") if each.asked)


@pytest.fixture
def token(client: Client) -> str:
    return client.sudo("12")


def fetch(client: Client, held: Conversation, token: str) -> urllib3.BaseHTTPResponse:
    return client.send("GET", f"/conversations/{held.id}", token)


@pytest.mark.parametrize("kind", ["429", "500", "403", "404"])
def test_looker_errors(client: Client, held: Conversation, token: str, kind: str) -> None:
    client.looker.faults.add(Fault(kind, path="/conversations/"))
    answer = fetch(client, held, token)
    assert answer.status == int(kind)
    assert answer.json().keys() == {"message", "documentation_url"}
    assert "Retry-After" not in answer.headers
    assert fetch(client, held, token).data == held.body()


@pytest.mark.parametrize("kind", ["429", "503"])
@pytest.mark.parametrize("retry_after", [7, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_retry_after(client: Client, held: Conversation, token: str, kind: str, retry_after: str | int) -> None:
    client.looker.faults.add(Fault(kind, path="/conversations/", retry_after=retry_after))
    answer = fetch(client, held, token)
    assert (answer.status, answer.headers["Retry-After"]) == (int(kind), str(retry_after))


def test_a_bad_gateway_is_html(client: Client, held: Conversation, token: str) -> None:
    client.looker.faults.add(Fault("502", path="/conversations/"))
    answer = fetch(client, held, token)
    assert answer.status == 502
    assert b"nginx" in answer.data
    assert answer.headers["Content-Type"].startswith("text/html")


def test_an_unavailable_service_says_nothing(client: Client, held: Conversation, token: str) -> None:
    client.looker.faults.add(Fault("503", path="/conversations/"))
    answer = fetch(client, held, token)
    assert (answer.status, answer.data) == (503, b"")


def test_truncated_is_a_whole_answer_that_ends_too_early(client: Client, held: Conversation, token: str) -> None:
    client.looker.faults.add(Fault("truncated", path="/conversations/"))
    answer = fetch(client, held, token)
    assert answer.status == 200
    assert int(answer.headers["Content-Length"]) == len(answer.data) < len(held.body())
    assert held.body().startswith(answer.data)


def test_short_breaks_the_promise_of_content_length(client: Client, held: Conversation, token: str) -> None:
    client.looker.faults.add(Fault("short", path="/conversations/"))
    with pytest.raises(ProtocolError) as caught:
        fetch(client, held, token)
    assert f"{len(held.body()) // 2} bytes read" in str(caught.value)
    assert fetch(client, held, token).data == held.body()


def test_drop_gives_no_answer_at_all(client: Client, held: Conversation, token: str) -> None:
    client.looker.faults.add(Fault("drop", path="/conversations/"))
    with pytest.raises(ProtocolError, match="Connection aborted"):
        fetch(client, held, token)
    assert [each.status for each in client.looker.requests.find(path=held.id)] == [0]
    assert fetch(client, held, token).data == held.body()


def test_drop_in_the_middle_of_a_post(client: Client) -> None:
    client.looker.faults.add(Fault("drop", path="/login$"))
    with pytest.raises(ProtocolError):
        client.login()
    assert client.login()


def test_slow_is_late_but_right(client: Client, held: Conversation, token: str) -> None:
    client.looker.faults.add(Fault("slow", path="/conversations/", seconds=0.2))
    begin = time.monotonic()
    assert fetch(client, held, token).data == held.body()
    assert 0.2 <= time.monotonic() - begin < 1


def test_slow_beyond_the_clients_patience(client: Client, held: Conversation, token: str) -> None:
    client.looker.faults.add(Fault("slow", path="/conversations/", seconds=60))
    with pytest.raises(ReadTimeoutError):
        client.send("GET", f"/conversations/{held.id}", token, timeout=0.1)
    assert fetch(client, held, token).data == held.body()


def test_expire_ends_the_callers_token(client: Client, held: Conversation, token: str) -> None:
    client.looker.faults.add(Fault("expire", path="/conversations/"))
    other = client.sudo("12")
    assert fetch(client, held, token).status == 401
    assert fetch(client, held, token).status == 401
    assert fetch(client, held, other).status == 200


def test_garbage_is_a_page_that_claims_success(client: Client, held: Conversation, token: str) -> None:
    client.looker.faults.add(Fault("garbage", path="/conversations/"))
    answer = fetch(client, held, token)
    assert (answer.status, answer.data[:15]) == (200, b"<!DOCTYPE html>")


def test_invalid_json_ends_properly(client: Client, token: str) -> None:
    for held in client.looker.population.conversations_of("12"):
        client.looker.faults.add(Fault("invalid-json", path=held.id))
        answer = fetch(client, held, token)
        assert (answer.status, answer.data[:1], answer.data[-1:]) == (200, b"{", b"}")
        with pytest.raises(ValueError, match=r"."):
            json.loads(answer.data)
    client.looker.faults.add(Fault("invalid-json", path="search"))
    nothing = client.send("GET", "/conversations/search", token, fields={"id": "nonsense"})
    with pytest.raises(ValueError, match=r"."):
        json.loads(nothing.data)


def test_every_kind_is_counted_and_none_is_a_failure_of_the_server(
    client: Client, held: Conversation, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for kind in KINDS:
            client.looker.faults.add(Fault(kind, path="/conversations/", seconds=0.01 if kind == "slow" else None))
            try:
                fetch(client, held, token)
            except ProtocolError:
                assert kind in ("drop", "short")
    assert client.looker.faults.fired == dict.fromkeys(KINDS, 1)
    assert caplog.records == []
