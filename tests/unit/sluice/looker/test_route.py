"""The way to Looker, as the environment describes it: proxies, authorities, and what is told where there is no way."""

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from looker_sdk.rtl.transport import HttpMethod

from bench.certificate import Certificate, issue
from sluice.errors import LookerUnavailable, LookerUntrusted, SettingsError
from sluice.looker import connections
from sluice.looker.brake import Brake
from sluice.looker.flight import Flight
from sluice.looker.transport import PooledTransport
from tests.unit.sluice.looker.scripted import Act, Server, drip, hang_up, say, silence

HOST = "looker.example.test"
"""A name that nobody can look up: only the proxy knows where it is."""


class Proxy:
    """Opens tunnels to `target`, whatever is asked for; `heard` are the heads of the requests."""

    def __init__(self, target: Server) -> None:
        self.heard: list[str] = []
        self.instead: Act | None = None
        self._target = int(target.origin.rpartition(":")[2])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with suppress(OSError), peer:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += peer.recv(1)
            self.heard.append(head.decode())
            if self.instead:
                self.instead(peer)
                peer.recv(1)
                return
            with socket.create_connection(("127.0.0.1", self._target)) as far:
                peer.sendall(b"HTTP/1.1 200 Connection established\r\nVia: proxy\r\n\r\n")
                threading.Thread(target=pass_on, args=(far, peer), daemon=True).start()
                pass_on(peer, far)

    def close(self) -> None:
        self._listener.close()


def pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return issue(tmp_path_factory.mktemp("named"), HOST)


@pytest.fixture
def looker(named: Certificate) -> Iterator[Server]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(named.certificate, named.key)
    with closing(Server(tls)) as running:
        yield running


@pytest.fixture
def proxy(looker: Server) -> Iterator[Proxy]:
    with closing(Proxy(looker)) as running:
        yield running


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, impatient: None) -> None:
    """Of this test alone."""
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def get(origin: str, retries: int = 2) -> bytes:
    ours = PooledTransport(origin, timeout=5, retries=retries, brake=Brake(), flight=Flight(1))
    with closing(ours):
        return ours.request(HttpMethod.GET, f"{origin}/api/4.0/user").value


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_proxy_of_the_environment_is_the_way(
    looker: Server, proxy: Proxy, named: Certificate, monkeypatch: pytest.MonkeyPatch, name: str, scheme: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(named.bundle))
    monkeypatch.setenv(name, f"{scheme}127.0.0.1:{proxy.port}")
    assert get(f"https://{HOST}") == b"{}"
    assert proxy.heard[0].startswith(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n")
    assert "Authorization" not in proxy.heard[0]
    assert f"\r\nHost: {HOST}\r\n" in looker.heard[0][1]


def test_user_and_password_of_the_proxy_go_to_the_proxy_alone(
    looker: Server, proxy: Proxy, named: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(named.bundle))
    monkeypatch.setenv("HTTPS_PROXY", f"http://ann%40x:p%3Aw@127.0.0.1:{proxy.port}")
    assert get(f"https://{HOST}:8443") == b"{}"
    assert proxy.heard[0].startswith(f"CONNECT {HOST}:8443 ")
    pair = base64.b64encode(b"ann@x:p:w").decode()
    assert f"\r\nProxy-Authorization: Basic {pair}\r\n" in proxy.heard[0]
    assert pair not in looker.heard[0][1]


@pytest.mark.parametrize(
    ("instead", "told"),
    [
        (say(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"), "refused to connect: HTTP 407"),
        (say(b"HTTP/1.0 503 canary\r\n\r\n"), "refused to connect: HTTP 503"),
        (say(b"SSH-2.0-canary\r\n\r\n"), "did not answer as a proxy does"),
        (hang_up, "hung up"),
        (silence, "did not answer in time"),
        (drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100, 0.01), "did not answer in time"),
    ],
)
def test_a_proxy_that_fails_is_named_without_its_password(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, instead: Act, told: str
) -> None:
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 0.4)
    monkeypatch.setenv("HTTPS_PROXY", f"http://ann:canary@127.0.0.1:{proxy.port}")
    proxy.instead = instead
    with pytest.raises(LookerUnavailable) as caught:
        get(f"https://{HOST}", retries=0)
    assert f"the proxy 127.0.0.1:{proxy.port} {told}" in str(caught.value)
    assert "HTTPS_PROXY" in caught.value.hint
    assert "canary" not in repr(caught.value)


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(LookerUnavailable, match=r"the proxy: 127\.0\.0\.1:9 refuses connections") as caught:
        get(f"https://{HOST}")
    assert "HTTPS_PROXY" in caught.value.hint


@pytest.mark.parametrize("names", [HOST, "example.test", ".example.test", "*", f"a.test, {HOST}"])
def test_no_proxy_is_honoured(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("NO_PROXY", names)
    with pytest.raises(LookerUnavailable, match="could not be looked up"):
        get(f"https://{HOST}", retries=0)
    assert not proxy.heard


def test_this_machine_needs_no_proxy(server: Server, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    with suppress(LookerUntrusted):
        get(server.origin, retries=0)
    assert not proxy.heard


@pytest.mark.parametrize(
    "value", ["socks5://canary:1080", "https://canary:443", "http://canary:x", "http://", "ftp://canary"]
)
def test_an_address_that_is_none_of_an_http_proxy(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    with pytest.raises(SettingsError, match="HTTPS_PROXY must be an address such as http://host:port") as caught:
        get(f"https://{HOST}")
    assert "canary" not in repr(caught.value)


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_authorities_of_the_environment(
    looker: Server, named: Certificate, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(named.certificate))
    assert get(looker.origin) == b"{}"


def test_a_directory_of_authorities(
    looker: Server, named: Certificate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    with pytest.raises(LookerUntrusted):
        get(looker.origin)


@pytest.mark.parametrize("content", [None, b"", b"canary"])
def test_a_bundle_that_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None) -> None:
    bundle = tmp_path / "canary.pem"
    if content is not None:
        bundle.write_bytes(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with pytest.raises(
        SettingsError, match="REQUESTS_CA_BUNDLE must name a readable file of PEM certificates"
    ) as caught:
        get(f"https://{HOST}")
    assert "canary" not in str(caught.value)


def test_a_certificate_that_is_not_accepted_is_told_and_not_tried_again(
    looker: Server, named: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_untrusted(looker.origin, "self-signed certificate", "REQUESTS_CA_BUNDLE")
    monkeypatch.setenv("SSL_CERT_FILE", str(named.bundle))
    assert_untrusted(looker.origin.replace("127.0.0.1", "localhost"), "Hostname mismatch", "LOOKER_BASE_URL")
    assert not looker.heard


def test_an_expired_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = issue(tmp_path, days=-1)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(old.certificate, old.key)
    monkeypatch.setenv("SSL_CERT_FILE", str(old.bundle))
    with closing(Server(tls)) as server:
        assert_untrusted(server.origin, "certificate has expired", "SSL_CERT_FILE")


def assert_untrusted(origin: str, told: str, hint: str) -> None:
    ours = PooledTransport(origin, timeout=5, retries=5, brake=Brake(), flight=Flight(1))
    with closing(ours), pytest.raises(LookerUntrusted) as caught:
        ours.request(HttpMethod.GET, f"{origin}/api/4.0/user")
    assert told in str(caught.value)
    assert hint in caught.value.hint
    assert caught.value.status == 500
    assert ours.calls == 1


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ("https://nowhere.invalid", "the host name nowhere.invalid could not be looked up"),
        (f"https://{'a' * 64}.test", "could not be looked up"),
        ("https://127.0.0.1:9", "127.0.0.1:9 refuses connections"),
        ("http://[::1]:9", "::1]:9"),
    ],
)
def test_no_way(origin: str, told: str) -> None:
    with pytest.raises(LookerUnavailable) as caught:
        get(origin, retries=0)
    assert told in str(caught.value)
    assert "LOOKER_BASE_URL" in caught.value.hint


def test_a_server_without_tls_is_told() -> None:
    with closing(Server()) as server:
        server.handshake = say(b"HTTP/1.1 400 Bad request\r\n\r\n")
        with pytest.raises(LookerUnavailable, match=r"no TLS with 127\.0\.0\.1:\d+: ") as caught:
            get(server.origin.replace("http", "https"), retries=0)
    assert "LOOKER_BASE_URL" in caught.value.hint


def test_the_next_address_is_tried_and_names_are_looked_up_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    port = int(server.origin.rpartition(":")[2])

    def addresses(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET6, 1, 6, "", ("::1", port, 0, 0)), (socket.AF_INET, 1, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", addresses)
    if server.origin.startswith("https"):
        return
    with closing(connections.Connections(f"http://name.test:{port}", timeout=5, flight=Flight(1))) as ours:
        for _ in range(3):
            server.script = [then_close]
            assert ours.send("GET", "/a", None, {}).status == 200
    assert asked == ["name.test"]


def then_close(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
    hang_up(peer)
