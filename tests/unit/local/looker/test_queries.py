"""Saved queries of the simulated Looker and the tasks that run them."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.local.looker.client import Client

USERS = {"model": "system__activity", "view": "user", "fields": ["user.id"], "filters": {"user.is_disabled": "No"}}


def post(client: Client, path: str, body: Any, token: str | None = None) -> Any:
    return client.send("POST", path, token or client.login(), body=json.dumps(body))


def task_of(client: Client, query_id: str = "4242", params: str = "") -> str:
    answer = post(client, f"/query_tasks{params}", {"query_id": query_id, "result_format": "json"})
    assert answer.status == 200
    return str(answer.json()["id"])


def test_a_task_has_the_rows_of_its_query(client: Client) -> None:
    admin = client.login()
    task = task_of(client, params="?limit=-1")
    assert client.get(f"/query_tasks/{task}", admin)["status"] == "complete"
    assert client.get(f"/query_tasks/{task}/results", admin) == client.get("/queries/4242/run/json", admin)
    assert len(client.get(f"/query_tasks/{task_of(client, params='?limit=2')}/results", admin)) == 2


def test_until_it_is_complete_there_are_no_results(start: Callable[..., Client]) -> None:
    client = start(query_seconds=0.5)
    admin, task = client.login(), task_of(client)
    early = client.send("GET", f"/query_tasks/{task}/results", admin)
    assert (early.status, early.json()["status"]) == (202, "running")
    time.sleep(0.6)
    assert len(client.get(f"/query_tasks/{task}/results", admin)) == 12


def test_an_error_of_the_database_is_told_with_the_results(start: Callable[..., Client]) -> None:
    client = start(discovery_error="Explore not found")
    answer = client.send("GET", f"/query_tasks/{task_of(client)}/results", client.login())
    assert (answer.status, answer.json()["message"]) == (400, "Explore not found")


def test_what_is_not_there_is_not_found(client: Client, start: Callable[..., Client]) -> None:
    admin = client.login()
    assert post(client, "/query_tasks", {"query_id": "1", "result_format": "json"}, admin).status == 404
    assert client.send("GET", "/query_tasks/none", admin).status == 404
    assert client.send("GET", "/query_tasks/none/results", admin).status == 404
    older = start(query_tasks=False)
    assert post(older, "/query_tasks", {"query_id": "4242", "result_format": "json"}).status == 404


def test_only_an_admin_may_start_and_make(client: Client) -> None:
    user = client.sudo("12")
    assert post(client, "/query_tasks", {"query_id": "4242", "result_format": "json"}, user).status == 403
    assert post(client, "/queries", USERS, user).status == 403


def test_a_query_like_an_existing_one_is_that_one(client: Client) -> None:
    first, again, other = (
        post(client, "/queries", body).json()
        for body in (USERS, dict(reversed(USERS.items())), {**USERS, "limit": "5"})
    )
    assert (first["id"], first["slug"]) == (again["id"], again["slug"])
    assert first["id"] != other["id"]
    rows = client.get(f"/queries/{first['id']}/run/json", client.login())
    assert [set(row) for row in rows] == [{"user.id"}] * 12


@pytest.mark.parametrize(
    ("body", "status"), [({**USERS, "model": "m"}, 422), ({**USERS, "view": "v"}, 422), ({}, 422), ([], 400)]
)
def test_a_query_that_makes_no_sense_is_refused(client: Client, body: Any, status: int) -> None:
    assert post(client, "/queries", body).status == status
