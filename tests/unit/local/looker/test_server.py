import datetime
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.looker.faults import Fault
from local.looker.population import Population
from local.looker.server import Certificate, serve
from tests.unit.local.looker.client import Client


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = Certificate(tmp_path / "cert.pem", tmp_path / "key.pem")
    files.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


def test_it_stops_soon_and_leaves_nothing(population: Population) -> None:
    before = threading.active_count()
    with serve(population) as looker:
        client = Client(looker)
        client.login()
        assert threading.active_count() == before + 1
        begin = time.monotonic()
    assert time.monotonic() - begin < 2
    assert threading.active_count() == before
    with pytest.raises(urllib3.exceptions.HTTPError):
        client.login()


def test_it_stops_soon_when_a_client_gave_up(population: Population, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), serve(population) as looker:
        client = Client(looker)
        looker.faults.add(Fault("slow", seconds=60))
        with pytest.raises(urllib3.exceptions.ReadTimeoutError):
            client.send("GET", "/user", timeout=0.1)
        begin = time.monotonic()
    assert time.monotonic() - begin < 2
    assert caplog.records == []


def test_two_at_once_do_not_know_each_other(population: Population) -> None:
    with serve(population) as one, serve(population) as other:
        token = Client(one).login()
        assert Client(other).send("GET", "/user", token).status == 401


def test_fifty_workers_are_served(population: Population) -> None:
    with serve(population) as looker:
        client = Client(looker, urllib3.PoolManager(maxsize=50, retries=False, timeout=10))
        token = client.sudo("12")
        held = population.conversations_of("12") * 5
        with ThreadPoolExecutor(50) as pool:
            bodies = list(pool.map(lambda each: client.send("GET", f"/conversations/{each.id}", token).data, held))
        assert bodies == [each.body() for each in held]


def test_https(population: Population, certificate: Certificate) -> None:
    with serve(population, ssl=certificate) as looker:
        http = urllib3.PoolManager(
            ca_certs=str(certificate.certificate), assert_hostname="localhost", retries=False, timeout=5
        )
        client = Client(looker, http)
        assert looker.url.startswith("https://")
        assert client.get("/user", client.login())["id"] == "1"
        looker.faults.add(Fault("drop"))
        with pytest.raises(urllib3.exceptions.HTTPError):
            client.login()


def test_a_taken_port_is_said(population: Population) -> None:
    with (
        serve(population) as looker,
        pytest.raises(OSError, match="in use"),
        serve(population, port=int(looker.url.rpartition(":")[2])),
    ):
        pass


def test_an_unknown_option_is_said(population: Population) -> None:
    with pytest.raises(TypeError, match="latency"), serve(population, latency=1):
        pass


@pytest.fixture
def alone() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "local.looker", "--port", "0", "--users", "2", "--conversations", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_it_runs_alone(alone: subprocess.Popen[str]) -> None:
    assert alone.stdout
    told = dict(alone.stdout.readline().strip().split("=", 1) for _ in range(4))
    form = {"client_id": told["LOOKER_CLIENT_ID"], "client_secret": told["LOOKER_CLIENT_SECRET"]}
    http = urllib3.PoolManager(retries=False, timeout=5)
    answer = http.request_encode_body(
        "POST", told["LOOKER_BASE_URL"] + "/api/4.0/login", fields=form, encode_multipart=False
    )
    assert answer.status == 200
    alone.send_signal(signal.SIGINT)
    out, errors = alone.communicate(timeout=60)
    assert (alone.returncode, out, errors) == (0, "stopped\n", "")
