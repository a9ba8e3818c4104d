import json
from collections.abc import Callable
from typing import Any

import pytest

from local.looker.cast import Standing
from local.looker.population import Population
from local.looker.server import serve
from tests.unit.local.looker.client import Client

HEAVIEST = "12"


def standing(client: Client, wanted: Standing) -> str:
    return next(user.key for user in client.looker.population.users if user.standing is wanted)


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in found]


def test_login_gives_a_token_of_the_documented_form(client: Client) -> None:
    form = {"client_id": client.looker.client_id, "client_secret": client.looker.client_secret}
    answer = client.send("POST", "/login", fields=form, encode_multipart=False).json()
    assert answer.keys() == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert answer["expires_in"] == 3600


@pytest.mark.parametrize("form", [{}, {"client_id": "x", "client_secret": "y"}, {"client_id": "simulated-client-id"}])
def test_wrong_credentials_are_not_found(client: Client, form: dict[str, str]) -> None:
    answer = client.send("POST", "/login", fields=form, encode_multipart=False)
    assert answer.status == 404
    assert answer.json()["message"] == "Not found"
    assert "/err/4.0/404/post/login" in answer.json()["documentation_url"]


def test_credentials_in_the_query_are_refused(client: Client) -> None:
    looker = client.looker
    answer = client.send("POST", f"/login?client_id={looker.client_id}&client_secret={looker.client_secret}")
    assert answer.status == 400


def test_sudo_by_standing(client: Client) -> None:
    admin = client.login()
    assert client.sudo(HEAVIEST, admin) != client.sudo(HEAVIEST, admin)
    assert client.send("POST", f"/login/{standing(client, Standing.DISABLED)}", admin).status == 403
    assert client.send("POST", f"/login/{standing(client, Standing.DELETED)}", admin).status == 404
    assert client.send("POST", "/login/999999", admin).status == 404


def test_sudo_is_for_the_admin_alone(client: Client) -> None:
    assert client.send("POST", f"/login/{HEAVIEST}", client.sudo(HEAVIEST)).status == 403
    assert client.send("POST", f"/login/{HEAVIEST}").status == 401


def test_sudo_can_be_off(start: Callable[..., Client]) -> None:
    client = start(impersonation_allowed=False)
    assert client.send("POST", f"/login/{HEAVIEST}", client.login()).status == 403


def test_a_token_expires(start: Callable[..., Client]) -> None:
    client = start(token_seconds=0.0)
    answer = client.send("GET", "/user", client.login())
    assert answer.status == 401
    assert answer.json()["message"] == "Requires authentication."
    assert client.looker.open_tokens == 0


def test_both_spellings_of_the_header(client: Client) -> None:
    token = client.login()
    url = client.looker.url + "/api/4.0/user"
    for scheme in ("Bearer", "bearer", "token"):
        assert client.http.request("GET", url, headers={"Authorization": f"{scheme} {token}"}).status == 200
    assert client.http.request("GET", url, headers={"Authorization": f"Basic {token}"}).status == 401


@pytest.mark.parametrize("base", ["/api/4.0", "/api"])
def test_logout_ends_that_token_alone(start: Callable[..., Client], base: str) -> None:
    client = start()
    admin, user = client.login(), client.sudo(HEAVIEST)
    assert client.looker.open_tokens == 3  # sudo() logs in as the admin once more
    answer = client.send("DELETE", "/logout", user, base=base)
    assert (answer.status, answer.data) == (204, b"")
    assert client.send("GET", "/user", user).status == 401
    assert client.send("GET", "/user", admin).status == 200
    assert client.looker.open_tokens == 2
    assert client.looker.peak_open_tokens == 3


def test_me(client: Client) -> None:
    assert client.get("/user", client.sudo(HEAVIEST))["id"] == HEAVIEST
    assert client.get("/user", client.login())["id"] == "1"


def test_discovery_lists_users_by_field_name(client: Client) -> None:
    rows = client.get("/queries/4242/run/json", client.login())
    assert rows[0] == {"user.id": 12, "user.email": "user0@example.com"}
    assert len(rows) == 12


def test_discovery_honours_limit() -> None:
    with serve(Population(users=600, conversations=0)) as looker:
        client = Client(looker)
        admin = client.login()
        assert len(client.get("/queries/4242/run/json", admin)) == 500
        assert len(client.get("/queries/4242/run/json", admin, limit="7")) == 7
        assert len(client.get("/queries/4242/run/json", admin, limit="-1")) == 600
        refused = client.send("GET", "/queries/4242/run/json", admin, fields={"limit": "many"})
        assert refused.status == 422
        assert refused.json()["errors"][0]["field"] == "limit"


def test_discovery_is_for_the_admin_and_for_that_query(client: Client) -> None:
    assert client.send("GET", "/queries/4242/run/json", client.sudo(HEAVIEST)).status == 403
    assert client.send("GET", "/queries/1/run/json", client.login()).status == 404
    assert client.send("GET", "/queries/4242/run/csv", client.login()).status == 422


def test_discovery_as_it_may_come(start: Callable[..., Client]) -> None:
    client = start(discovery_field="history.user_id", discovery_text_ids=True, discovery_duplicates=True)
    rows = client.get("/queries/4242/run/json", client.login())
    assert [row["history.user_id"] for row in rows].count("12") == 2
    failing = start(discovery_error="Explore not found")
    assert failing.get("/queries/4242/run/json", failing.login()) == [{"looker_error": "Explore not found"}]


def test_search_shows_ones_own_without_messages(client: Client) -> None:
    found = client.get("/conversations/search", client.sudo(HEAVIEST), limit="500")
    assert {each["user_id"] for each in found} == {HEAVIEST}
    assert all("messages" not in each and not each["deleted"] for each in found)
    assert ids(found) == sorted(ids(found))
    own = client.looker.population.conversations_of(HEAVIEST)
    assert ids(found) == [each.id for each in own if not each.deleted]
    assert client.get("/conversations/search", client.login()) == []


def test_search_gives_messages_when_asked(client: Client) -> None:
    found = client.get("/conversations/search", client.sudo(HEAVIEST), fields="id,messages", limit="3")
    population = client.looker.population
    for each in found:
        assert each.keys() == {"id", "messages"}
        assert len(each["messages"] or []) == population.expected(each["id"])["message_count"]


def test_pages_make_the_whole(client: Client) -> None:
    token = client.sudo(HEAVIEST)
    order = {"sorts": "updated_at desc", "fields": "id,updated_at"}
    whole = client.get("/conversations/search", token, limit="500", **order)
    pages = [client.get("/conversations/search", token, limit="7", offset=str(at), **order) for at in range(0, 500, 7)]
    assert len(whole) > 14
    assert [each for page in pages for each in page] == whole
    moments = [each["updated_at"].replace("Z", "+00:00") for each in whole]
    assert moments == sorted(moments, reverse=True)


def test_a_page_is_no_longer_than_the_cap(population: Population) -> None:
    with serve(population, page_cap=5) as looker:
        client = Client(looker)
        token = client.sudo(HEAVIEST)
        capped = client.get("/conversations/search", token, limit="100", sorts="id")
        rest = client.get("/conversations/search", token, limit="100", offset="5", sorts="id")
    owned = sorted(each.id for each in population.conversations_of(HEAVIEST) if not each.deleted)
    assert ids(capped) + ids(rest) == owned[:10]


def test_sorts_by_several_fields(client: Client) -> None:
    found = client.get("/conversations/search", client.sudo(HEAVIEST), limit="500", sorts="category desc,name")
    keys = [(each["category"], each["name"]) for each in found]
    assert keys == sorted(sorted(keys, key=lambda key: key[1]), key=lambda key: key[0], reverse=True)
    by_agent = client.get("/conversations/search", client.sudo(HEAVIEST), limit="500", sorts="agent_id")
    agents = [each["agent_id"] for each in by_agent]
    assert agents == sorted(agents, key=lambda agent: (agent is not None, agent or ""))


def test_filters(client: Client) -> None:
    token = client.sudo(HEAVIEST)
    whole = client.get("/conversations/search", token, limit="500")

    def found(**params: str) -> list[str]:
        return ids(client.get("/conversations/search", token, limit="500", **params))

    assert found(id=f"{whole[1]['id']},{whole[0]['id']},nonsense") == ids(whole[:2])
    assert found(name=whole[3]["name"]) == [whole[3]["id"]]
    assert found(category="dashboard") == [each["id"] for each in whole if each["category"] == "dashboard"]
    assert found(category="dashboard,conversation") == ids(whole)
    assert found(agent_id="null") == [each["id"] for each in whole if each["agent_id"] is None]
    assert found(agent_id="not null") == [each["id"] for each in whole if each["agent_id"] is not None]
    agent = next(each["agent_id"] for each in whole if each["agent_id"])
    assert found(agent_id=agent) == [each["id"] for each in whole if each["agent_id"] == agent]
    either = found(agent_id=agent, category="dashboard", filter_or="true")
    assert either == [each["id"] for each in whole if each["agent_id"] == agent or each["category"] == "dashboard"]


def test_deleted_ones_are_seen_alone(client: Client) -> None:
    token = client.sudo(HEAVIEST)
    deleted = [each.id for each in client.looker.population.conversations_of(HEAVIEST) if each.deleted]
    assert deleted
    assert ids(client.get("/conversations/search", token, deleted="true")) == deleted
    assert not set(deleted) & set(ids(client.get("/conversations/search", token, deleted="false", limit="500")))
    assert client.get(f"/conversations/{deleted[0]}", token)["deleted"] is True


@pytest.mark.parametrize(
    "wrong", [{"limit": "x"}, {"offset": "-1"}, {"sorts": "messages"}, {"sorts": "id up"}, {"deleted": "perhaps"}]
)
def test_a_wrong_parameter_is_refused_by_name(client: Client, wrong: dict[str, str]) -> None:
    answer = client.send("GET", "/conversations/search", client.sudo(HEAVIEST), fields=wrong)
    assert answer.status == 400
    assert answer.json()["message"].startswith(next(iter(wrong)))


def test_a_conversation_is_its_owners(client: Client) -> None:
    owner, other = client.sudo(HEAVIEST), client.sudo("19")
    held = client.looker.population.conversations_of(HEAVIEST)[0]
    assert client.send("GET", f"/conversations/{held.id}", owner).data == held.body()
    assert client.send("GET", f"/conversations/{held.id}", other).status == 404
    assert client.send("GET", f"/conversations/{held.id}/messages", other).status == 404
    assert client.send("GET", f"/conversations/{held.id}", client.login()).status == 404
    assert client.send("GET", f"/conversations/{held.id}").status == 401
    assert client.send("GET", "/conversations/nonsense", owner).status == 404


def test_messages_alone(client: Client) -> None:
    token = client.sudo(HEAVIEST)
    for held in client.looker.population.conversations_of(HEAVIEST)[:20]:
        whole = json.loads(held.body())["messages"] or []
        assert client.get(f"/conversations/{held.id}/messages", token) == whole
        slim = client.get(f"/conversations/{held.id}/messages", token, fields="id,order")
        assert slim == [{"id": each["id"], "order": each["order"]} for each in whole]


def test_fields_of_a_conversation(client: Client) -> None:
    held = client.looker.population.conversations_of(HEAVIEST)[0]
    found = client.get(f"/conversations/{held.id}", client.sudo(HEAVIEST), fields="id, updated_at")
    assert found.keys() == {"id", "updated_at"}


def test_an_unknown_path_or_method_has_a_looker_error(client: Client) -> None:
    for method, path, status in (("GET", "/nonsense", 404), ("POST", "/conversations/search", 405)):
        answer = client.send(method, path, client.login())
        assert answer.status == status
        assert answer.json().keys() == {"message", "documentation_url"}


def test_the_next_day_is_served(start: Callable[..., Client]) -> None:
    client = start()
    population = client.looker.population
    changes = population.advance()
    owner = population.expected(changes.updated[0])["user_id"]
    found = client.get(f"/conversations/{changes.updated[0]}", client.sudo(owner))
    assert len(found["messages"]) == population.expected(changes.updated[0])["message_count"]
    assert changes.deleted[0] not in ids(client.get("/conversations/search", client.sudo(owner), limit="500"))


def test_every_request_is_journalled(client: Client) -> None:
    token = client.sudo(HEAVIEST)
    held = client.looker.population.conversations_of(HEAVIEST)[0]
    client.get(f"/conversations/{held.id}", token, fields="id")
    client.send("GET", "/user")
    journal = client.looker.requests
    (fetched,) = journal.find(path=held.id)
    assert (fetched.method, fetched.user, fetched.status, fetched.query) == ("GET", HEAVIEST, 200, "fields=id")
    assert fetched.size == len(json.dumps({"id": held.id}, separators=(",", ":")))
    assert 0 < fetched.seconds < 1
    assert [each.path for each in journal.find(user="admin")] == [f"/api/4.0/login/{HEAVIEST}"]
    assert [each.user for each in journal.find(status=401)] == [None]
    assert journal.total == len(journal.find()) == 4
    journal.clear()
    assert (journal.total, journal.find()) == (0, [])


def test_latency_is_waited(start: Callable[..., Client]) -> None:
    client = start(latency_seconds=0.1)
    client.login()
    assert client.looker.requests.find(path="login")[0].seconds >= 0.1
