"""The servers of the bench, asked by the clients they are for."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from bench.certificate import issue
from bench.load import Load, conversation_id
from bench.measure import Contender, measure
from bench.servers import Servers, serving
from sluice.looker.brake import Brake
from sluice.looker.session import Looker
from sluice.settings import Settings

LOAD = Load(users=3, conversations=7, kb=20, latency=0.0, workers=4, active=1)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with serving(LOAD, issue(tmp_path_factory.mktemp("tls"))) as running:
        yield running


@pytest.fixture
def client(servers: Servers) -> Iterator[bigquery.Client]:
    options = {"api_endpoint": servers.warehouse}
    with bigquery.Client(project="bench", credentials=AnonymousCredentials(), client_options=options) as made:
        yield made


def test_looker_answers_who_asks_as_whom(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(servers.certificate.bundle))
    settings = Settings.load(
        looker_base_url=servers.looker,
        looker_client_id="x",
        looker_client_secret="y",
        looker_user_query_id="1",
        gcp_project_id="bench",
    )
    before = servers.figures()[0]["requests"]
    looker = Looker(settings, Brake())
    assert [row["user.id"] for row in json.loads(looker.admin.get("/queries/1/run/json", limit=-1))] == [1, 2, 3]
    session = looker.sudo("2")
    page = json.loads(session.get("/conversations/search", limit=1, offset=1))
    assert [item["id"] for item in page] == [conversation_id(2, 1)]
    assert json.loads(session.get("/conversations/search", limit=9, offset=0, deleted=True)) == []
    found = json.loads(session.get(f"/conversations/{page[0]['id']}"))
    assert (found["id"], found["user_id"], found["updated_at"]) == (page[0]["id"], "2", page[0]["updated_at"])
    session.close()
    looker.close()
    counted = servers.figures()[0]
    assert {kind: count - before.get(kind, 0) for kind, count in counted["requests"].items()} == {
        "login": 2,
        "discovery": 1,
        "list": 2,
        "fetch": 1,
        "logout": 2,
    }
    assert counted["body_bytes"] >= len(json.dumps(found)) // 2
    assert len(counted["fetched_at"]) == counted["requests"]["fetch"]


@pytest.mark.parametrize("rows", [3, 60_000])
def test_the_warehouse_counts_what_the_real_client_loads(servers: Servers, client: bigquery.Client, rows: int) -> None:
    """Small loads go in one request, large ones by a resumable upload."""
    before = servers.figures()[1]
    line = json.dumps({"text": "x" * 200}).encode()
    client.load_table_from_file(io.BytesIO(b"\n".join([line] * rows)), "bench.looker_agents.conversations").result()
    after = servers.figures()[1]
    assert after["rows"] - before["rows"] == rows
    assert after["bytes"] - before["bytes"] in (rows * (len(line) + 1), rows * (len(line) + 1) - 1)
    assert after["first_byte_at"] is not None


@pytest.mark.slow
@pytest.mark.slow
def test_a_run_delivers_everything_and_a_daily_one_what_changed(tmp_path: Path) -> None:
    certificate = issue(tmp_path)
    whole = measure(Contender.OURS, LOAD, certificate)
    # Whether a page is the last one is known only once a longer one was seen: a user may be listed once more.
    assert whole.conversations == 7
    assert whole.requests - (1 + 1 + 3 * 3 + 7 + 1) in range(LOAD.users + 1)
    assert whole.cpu > 0 < whole.peak_mb
    daily = measure(Contender.DAILY, LOAD, certificate)
    assert daily.conversations == 1
    known = measure(Contender.DAILY, LOAD, certificate, LOOKER_USER_ACTIVITY_KEY="user.last_active")
    assert known.conversations == 1
    assert known.requests - (1 + 1 + 3 + 1 + 1) in (0, 1)


@pytest.mark.slow
def test_a_contender_that_fails_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="OURS failed"):
        measure(Contender.OURS, LOAD, issue(tmp_path), LOOKER_CLIENT_ID="")
