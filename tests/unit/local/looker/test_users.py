"""GET /users/search of the simulated Looker."""

from typing import Any

import pytest

from local.looker.app import ADMIN_ID
from local.looker.cast import Standing
from tests.unit.local.looker.client import Client


def search(client: Client, **params: str) -> Any:
    return client.get("/users/search", client.login(), **params)


def test_deleted_users_are_gone_and_disabled_ones_are_marked(client: Client) -> None:
    accounts = {each["id"]: each["is_disabled"] for each in search(client)}
    users = client.looker.population.users
    kept = {each.key: each.standing is Standing.DISABLED for each in users if each.standing is not Standing.DELETED}
    assert accounts == {ADMIN_ID: False, **kept}


def test_filters_fields_and_pages(client: Client) -> None:
    disabled = [each.key for each in client.looker.population.users if each.standing is Standing.DISABLED]
    assert [each["id"] for each in search(client, is_disabled="true")] == disabled
    everybody = [each["id"] for each in search(client)]
    assert everybody == sorted(everybody, key=int)
    assert [each["id"] for each in search(client, sorts="id desc")] == everybody[::-1]
    assert search(client, fields="id,nonsense", limit="3", offset="2") == [{"id": each} for each in everybody[2:5]]
    assert search(client, offset="1000") == []
    assert search(client, id=",".join(everybody[:2]), fields="id") == [{"id": each} for each in everybody[:2]]
    assert search(client, embed_user="true") == []
    both = search(client, filter_or="true", is_disabled="true", email="admin@example.com")
    assert {each["id"] for each in both} == {ADMIN_ID, *disabled}


@pytest.mark.parametrize("wrong", [{"limit": "many"}, {"is_disabled": "maybe"}, {"sorts": "shoe_size"}])
def test_what_makes_no_sense_is_refused(client: Client, wrong: dict[str, str]) -> None:
    assert client.send("GET", "/users/search", client.login(), fields=wrong).status == 400


def test_only_an_admin_may_ask(client: Client) -> None:
    assert client.send("GET", "/users/search", client.sudo("12")).status == 403
    assert client.send("GET", "/users/search").status == 401


def test_the_admin_can_be_impersonated_and_holds_nothing(client: Client) -> None:
    assert client.get("/conversations/search", client.sudo(ADMIN_ID)) == []
