"""Secrets are dropped wherever they lie and however they are wrapped; what only speaks of them stays."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.looker.prune import canonical
from sluice.looker.secrets import drop, is_name, may_hold, without
from tests.unit.sluice.documents import values

SECRET = "pl4nted-s3cret-value"
NAMES = (
    *("debugInfo", "debug_info", "credentials", "oauth", "accessToken", "access_token", "ACCESS-TOKEN", "token"),
    *("lookerToken", "id_token", "refreshToken", "secret", "clientSecret", "client_secret", "password", "dbPassword"),
    *("Authorization", "Proxy-Authorization", "apiKey", "x-api-key", "private_key", "secretAccessKey"),
)
HARMLESS = (
    *("tokenCount", "totalTokenCount", "tokens", "nextPageToken", "keyDriverAnalysis", "secretary", "authorName"),
    *("primaryKey", "users.reset_token", "clientId", "passwordless"),
)


def stored(value: Any) -> str:
    """As a row is made: only what may hold a secret is searched for it."""
    text = msgspec.json.encode(value)
    if may_hold(text) and drop([value]):
        text = msgspec.json.encode(value)
    return text.decode()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [SECRET, {"inner": [SECRET]}, [SECRET]])
def test_what_has_the_name_of_a_secret_is_dropped(name: str, value: Any) -> None:
    assert json.loads(stored({"kept": [{"a": 1, name: value}]})) == {"kept": [{"a": 1}]}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [7, 1.5, True, None])
def test_a_number_is_no_secret(name: str, value: Any) -> None:
    assert json.loads(stored({name: value})) == {name: value}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_name_that_only_resembles_one_is_harmless(name: str) -> None:
    assert not is_name(name)
    assert json.loads(stored({name: "value"})) == {name: "value"}


@pytest.mark.parametrize(
    "text",
    [
        "What is debugInfo, and what a token?",
        'How do I write "password": in JSON?',
        "The credentials {see docs} are missing [1]",
        "Bearer authentication needs an access token.",
        "SELECT users.token FROM t WHERE key = 'a' AND secret IS NULL",
        '{"tokenCount": 5, "totalTokenCount": 7}',
        "token=abc",
        "our secret: quality",
        "",
    ],
)
def test_a_text_that_mentions_one_stays(text: str) -> None:
    assert without(text) == text
    assert json.loads(stored({"text": text})) == {"text": text}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f'{{"a": 1, "token": "{SECRET}"}}', '{"a":1}'),
        (f'Sent {{"token": "{SECRET}", "a": 1}} to it', 'Sent {"a":1} to it'),
        (f'Sent {{"token": "{SECRET}", "a": 1}} , then {{x', 'Sent {"a":1} , then {x'),
        (json.dumps(json.dumps({"token": SECRET, "a": 1})), '"{\\"a\\":1}"'),
        (f'cut: {{"a": 1, "token": "{SECRET}", "b": 2', 'cut: {"a": 1, "token": "[dropped: a secret]", "b": 2'),
        (f'cut: {{"token": {{"x": "{SECRET}', 'cut: {"token": "[dropped: a secret]"'),
        (f"{{'token': '{SECRET}', 'a': 1}}", "{'token': '[dropped: a secret]', 'a': 1}"),
        (f"GET /x?a=1&access_token={SECRET}&b=2", "GET /x?a=1&access_token=[dropped: a secret]&b=2"),
        (f"Authorization: Bearer {SECRET}", "[dropped: a secret]"),
        (f"Bearer {SECRET}, and more", "[dropped: a secret], and more"),
        ("the token ya29.a0AfB_by-C1d2E3 works", "the token [dropped: a secret] works"),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2ln", "[dropped: a secret]"),
        ("-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\nend", "[dropped: a secret]\nend"),
    ],
)
def test_a_secret_inside_a_text_is_dropped_and_the_rest_stays(text: str, kept: str) -> None:
    assert without(text) == kept
    assert json.loads(stored({"text": text})) == {"text": kept}


def test_a_header_may_be_a_pair() -> None:
    pairs = [{"name": "Authorization", "value": SECRET}, {"name": "Accept", "value": "*/*"}]
    assert json.loads(stored(pairs)) == [{"name": "Authorization"}, {"name": "Accept", "value": "*/*"}]


def test_no_depth_saves_a_secret() -> None:
    deep: Any = {"token": SECRET}
    for _ in range(50_000):
        deep = [deep]
    assert drop(deep)
    while isinstance(deep, list):
        deep = deep[0]
    assert deep == {}


def test_a_text_that_is_made_to_take_long_does_not() -> None:
    for text in ("{" * 100_000, '"token": ' * 20_000, "\\" * 100_000 + "token", "-----BEGIN PRIVATE KEY-----" * 5000):
        without("token " + text)


WRAPPINGS: dict[str, Callable[[Any], Any]] = {
    "object": lambda inner: {"a": inner},
    "list": lambda inner: [1, inner],
    "json text": json.dumps,
    "json text in words": lambda inner: f"It was {json.dumps(inner)} then",
    "message": lambda inner: {"messageId": "m", "message": inner},
    "systemMessage": lambda inner: {"systemMessage": {"text": {"parts": ["Hi"]}, "more": inner}},
    "debug": lambda inner: {"response": {"data": {"systemMessage": {"text": {"parts": ["Hi"]}, "more": inner}}}},
}


@given(
    st.sampled_from(NAMES),
    st.sampled_from([SECRET, {"inner": [SECRET]}, json.dumps({"deep": SECRET})]),
    st.lists(st.sampled_from(sorted(WRAPPINGS)), max_size=5),
    st.dictionaries(st.text("xyz", min_size=1, max_size=3), values(st.text("xyz", max_size=3)), max_size=3),
)
def test_planted_anywhere_a_secret_never_survives(name: str, value: Any, wrappings: Any, beside: Any) -> None:
    message: Any = {**beside, name: value}
    for wrapping in wrappings:
        message = WRAPPINGS[wrapping](message)
    pruned = canonical(msgspec.Raw(json.dumps({"id": "1", "type": "system", "message": message}).encode()))
    assert SECRET not in stored(pruned)


@given(values(st.text("xyz", max_size=3)), st.sampled_from(["the token", "debugInfo", "a secret", "password?"]))
def test_without_a_secret_nothing_is_lost(value: Any, prose: str) -> None:
    before = json.loads(json.dumps([value, {"said": prose}]))
    drop(given := json.loads(json.dumps(before)))
    assert given == before
