"""What an admin is told, by what was answered: of logins, and of other requests."""

import traceback
from collections.abc import Iterator
from contextlib import closing

import pytest

from sluice.errors import (
    LoginRefused,
    LookerError,
    LookerMalformed,
    LookerMisdirected,
    LookerRefused,
    LookerUnavailable,
)
from sluice.looker.brake import Brake
from sluice.looker.session import Looker
from sluice.settings import Settings
from tests.unit.sluice.looker.scripted import Server, say

JSON_ERROR = b'{"message": "canary", "documentation_url": "https://canary"}'
ORIGIN = "LOOKER_BASE_URL"
PAGE = b"<!DOCTYPE html><html>canary</html>"
TOKEN = b'{"access_token": "t", "token_type": "Bearer", "expires_in": 3600}'


@pytest.fixture
def plain() -> Iterator[Server]:
    with closing(Server()) as running:
        yield running


@pytest.fixture
def ours(plain: Server, impatient: None) -> Iterator[Looker]:
    made = Looker(
        Settings.load(
            looker_base_url=plain.origin,
            looker_client_id="id",
            looker_client_secret="s",
            looker_user_query_id="1",
            looker_retries=2,
            gcp_project_id="p",
        ),
        Brake(),
    )
    with closing(made):
        yield made


def answer(status: int, body: bytes, **headers: str) -> bytes:
    told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} X\r\n{told}Content-Length: {len(body)}\r\n\r\n".encode() + body


def failure(ours: Looker) -> LookerError:
    with pytest.raises(LookerError) as caught:
        ours.admin.get("/user")
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    return caught.value


@pytest.mark.parametrize("status", [401, 404, 422])
def test_a_wrong_key_is_told_where_looker_says_so(plain: Server, ours: Looker, status: int) -> None:
    plain.script = [say(answer(status, JSON_ERROR))]
    error = failure(ours)
    assert (type(error), error.hint, error.step) == (LoginRefused, LoginRefused.hint, "login")
    assert str(error) == f"Looker refused the API key: HTTP {status}"
    assert len(plain.heard) == 1


@pytest.mark.parametrize(
    ("status", "body", "headers", "told", "hint"),
    [
        (301, b"", {"Location": "https://new.example/?t=canary"}, "HTTP 301, a redirect to new.example", ORIGIN),
        (302, PAGE, {"Location": "https://u:canary@sso.example:8443/"}, "HTTP 302, a redirect to sso.example", ORIGIN),
        (303, b"", {"Location": "/canary"}, "HTTP 303, a redirect to another path", "LOOKER_BASE_URL"),
        (307, b"", {"Location": "http://[canary"}, "HTTP 307, a redirect to another path", "LOOKER_BASE_URL"),
        (308, b"", {}, "HTTP 308, a redirect to another path", "LOOKER_BASE_URL"),
        (401, PAGE, {}, "HTTP 401 with a page that is not Looker's", "IP allow-list"),
        (403, PAGE, {}, "HTTP 403 with a page that is not Looker's", "IP allow-list"),
        (403, b"RBAC: access denied, canary", {}, "HTTP 403 with a page that is not Looker's", "IP allow-list"),
        (404, PAGE, {}, "HTTP 404 with a page that is not Looker's", "LOOKER_BASE_URL"),
        (403, JSON_ERROR, {}, "HTTP 403", "IP allow-list"),
        (400, JSON_ERROR, {}, "HTTP 400", "LOOKER_BASE_URL"),
        (401, b"", {}, "HTTP 401", "LOOKER_BASE_URL"),
    ],
)  # fmt: skip
def test_other_refusals_of_a_login_do_not_blame_the_key(
    plain: Server, ours: Looker, status: int, body: bytes, headers: dict[str, str], told: str, hint: str
) -> None:
    plain.script = [say(answer(status, body, **headers))]
    error = failure(ours)
    assert (type(error), error.step, error.status) == (LoginRefused, "login", 500)
    assert str(error).endswith(f"POST /api/4.0/login: {told}")
    assert hint in error.hint
    assert "CLIENT" not in error.hint
    assert len(plain.heard) == 1


def test_a_sign_in_page_is_told_as_a_page(plain: Server, ours: Looker) -> None:
    plain.script = [say(answer(200, PAGE))] * 3
    error = failure(ours)
    assert (type(error), error.step) == (LookerUnavailable, "login")
    assert str(error) == "POST /api/4.0/login: a page instead of JSON"
    assert "sign-on" in error.hint
    assert "LOOKER_BASE_URL" in error.hint


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        ("3600", 3600),
        ("3600.0", 3600),
        ("1.5e3", 1500),
        ("null", 3600),
        ('"900"', 900),
        ('"900.0"', 900),
        ('"soon"', 3600),
        ("true", 3600),
        ("{}", 3600),
        ("-5", 0),
        ("1e300", 86400),
        ('"inf"', 3600),
        ('"nan"', 3600),
    ],
)
def test_how_long_a_token_lives_in_every_spelling(plain: Server, ours: Looker, expires_in: str, seconds: int) -> None:
    login = answer(200, b'{"access_token": "t", "token_type": null, "expires_in": %s}' % expires_in.encode())
    plain.script = [say(login)]
    assert ours.admin.get("/user") == b"{}"
    assert ours.admin._auth.token.expires_in == seconds
    if seconds > 10:
        ours.admin.get("/user")
        assert [head.split()[1] for _, head in plain.heard] == ["/api/4.0/login", "/api/4.0/user", "/api/4.0/user"]


def test_a_login_without_a_word_about_time(plain: Server, ours: Looker) -> None:
    plain.script = [say(answer(200, b'{"access_token": "t"}'))]
    ours.admin.get("/user")
    assert ours.admin._auth.token.is_active


@pytest.mark.parametrize(
    "body", [b"", b"null", b"{}", b"[]", b'"t"', b'{"access_token": null}', b'{"access_token": ""}', JSON_ERROR]
)
def test_a_login_without_a_token(plain: Server, ours: Looker, body: bytes) -> None:
    plain.script = [say(answer(200, body))]
    error = failure(ours)
    assert (type(error), error.step) == (LookerMalformed, "login")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (302, b"", LookerMisdirected),
        (304, b"", LookerMisdirected),
        (404, PAGE, LookerMisdirected),
        (403, b"Forbidden", LookerMisdirected),
        (404, JSON_ERROR, LookerRefused),
        (404, b"", LookerRefused),
        (422, b' \n{"message": "canary"}', LookerRefused),
    ],
)
def test_a_page_is_no_refusal_of_lookers(
    plain: Server, ours: Looker, status: int, body: bytes, kind: type[LookerError]
) -> None:
    """A conversation counts as gone where Looker itself says 404, and not a load balancer without an instance."""
    plain.script = [say(answer(200, TOKEN)), say(answer(status, body))]
    assert type(failure(ours)) is kind
    assert len(plain.heard) == 2


def test_a_sudo_refused_by_a_page_is_no_refused_impersonation(plain: Server, ours: Looker) -> None:
    plain.script = [say(answer(200, TOKEN)), say(answer(403, PAGE))]
    with pytest.raises(LookerMisdirected) as caught:
        ours.sudo("7").get("/user")
    assert caught.value.step == "looker"


@pytest.mark.parametrize(
    ("encoding", "told"), [("br", "not asked for: br"), ("canary canary", "not asked for: of another kind")]
)
def test_an_unknown_compression_is_told_and_not_tried_again(
    plain: Server, ours: Looker, encoding: str, told: str
) -> None:
    plain.script = [say(answer(200, TOKEN)), say(answer(200, b"xyz", **{"Content-Encoding": encoding}))]
    error = failure(ours)
    assert type(error) is LookerMalformed
    assert told in str(error)
    assert len(plain.heard) == 2


def test_a_broken_compression_is_tried_again(plain: Server, ours: Looker) -> None:
    broken = say(answer(200, b"canary", **{"Content-Encoding": "gzip"}))
    plain.script = [say(answer(200, TOKEN)), broken, broken]
    assert ours.admin.get("/user") == b"{}"
    plain.script = [broken] * 3
    assert "a compressed body that is broken" in str(failure(ours))


def test_an_interim_answer_is_passed_over(plain: Server, ours: Looker) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    plain.script = [
        say(early + early + answer(200, TOKEN)),
        say(b"HTTP/1.1 100 Continue\r\n\r\n" + early + answer(200, b"[]")),
    ]
    assert ours.admin.get("/user") == b"[]"
    assert len(plain.heard) == 2
