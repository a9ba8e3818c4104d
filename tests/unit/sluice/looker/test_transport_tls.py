"""The transport over https: authorities come from where OpenSSL looks for them, and nobody else is trusted."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from looker_sdk.rtl.transport import HttpMethod

from bench.certificate import issue
from local.looker.app import Looker
from local.looker.population import Population
from local.looker.server import Certificate, serve
from sluice.errors import LookerUntrusted
from sluice.looker.brake import Brake
from sluice.looker.flight import Flight
from sluice.looker.transport import PooledTransport


@pytest.fixture
def secured(population: Population, tmp_path: Path) -> Iterator[Looker]:
    files = issue(tmp_path)
    with serve(population, ssl=Certificate(files.certificate, files.key)) as looker:
        yield looker


def get(looker: Looker) -> bytes:
    token = looker.tokens.issue("admin")
    with closing(PooledTransport(looker.url, timeout=5, retries=0, brake=Brake(), flight=Flight(1))) as transport:
        answer = transport.request(
            HttpMethod.GET,
            f"{looker.url}/api/4.0/user",
            authenticator=lambda _: {"Authorization": f"Bearer {token}"},
        )
    return answer.value


def test_an_authority_named_by_the_environment_is_trusted(
    secured: Looker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "bundle.pem"))
    assert b'"id":"1"' in get(secured)


def test_a_certificate_of_nobody_known_is_refused_before_anything_is_sent(secured: Looker) -> None:
    with pytest.raises(LookerUntrusted, match=r"certificate of .* is not accepted"):
        get(secured)
    assert secured.requests.total == 0


def test_a_certificate_for_another_host_is_refused(
    secured: Looker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "bundle.pem"))
    secured.url = secured.url.replace("127.0.0.1", "localhost")
    with pytest.raises(LookerUntrusted, match=r"certificate of .* is not accepted"):
        get(secured)
