"""Sessions for tests: real ones at the simulated Looker, with their questions changed on the way, or answered here."""

import time
from collections.abc import Callable
from typing import Any

from local.looker.app import Looker as Simulated
from sluice.errors import LookerRefused
from sluice.looker.brake import Brake
from sluice.looker.session import Looker, Session
from sluice.settings import Settings


def settings(looker: Simulated, **others: Any) -> Settings:
    """The settings of a function at this Looker."""
    own = {
        "looker_base_url": looker.url,
        "looker_client_id": looker.client_id,
        "looker_client_secret": looker.client_secret,
        "looker_user_query_id": looker.query_id,
        "gcp_project_id": "p",
    }
    return Settings.load(**(own | others))


opened: list[Looker] = []
"""Clients made and not closed yet; a fixture closes their connections after the test."""


def client(looker: Simulated, brake: Brake | None = None, **others: Any) -> Looker:
    opened.append(Looker(settings(looker, **others), brake or Brake()))
    return opened[-1]


def assert_journalled(looker: Simulated, total: int) -> None:
    """So many requests came in. An empty answer can be read a moment before its record is written."""
    end = time.monotonic() + 2
    while looker.requests.total < total and time.monotonic() < end:
        time.sleep(0.005)
    assert looker.requests.total == total


class Meddled(Session):
    """A real session; `meddle` gets the number of the question, from 0, and may change its parameters or the world."""

    def __init__(self, session: Session, meddle: Callable[[int, dict[str, Any]], None]) -> None:
        super().__init__(session._auth)
        self.meddle = meddle
        self.asked = 0

    def get(self, path: str, *, once: bool = False, **query: str | int | bool) -> bytes:
        number, self.asked = self.asked, self.asked + 1
        self.meddle(number, query)
        return super().get(path, once=once, **query)


class Scripted(Session):
    """Answers by itself, one answer after the other; `paths` is what was asked for. It refuses to run query tasks."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self.answers = list(answers)
        self.paths: list[str] = []

    def get(self, path: str, *, once: bool = False, **query: str | int | bool) -> bytes:
        self.paths.append(path)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def post(self, path: str, body: object, **query: str | int | bool) -> bytes:
        raise LookerRefused(f"POST {path}: HTTP 404", code=404)
