"""Google Cloud as a stand-in: what is there, by id, and what it refuses.

It knows names (409), what holds something else (a bucket with objects), deletion protection, APIs and grants that need
a while, and failures a test asks for. Kinds that tests/engine/kinds.py does not know are an error, never let through.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.engine.kinds import COLLECTIONS, HELD_BY, KINDS, Json


class Denied(Exception):
    """Google's answer to a call it does not carry out, as the provider words it."""


@dataclass
class Thing:
    """What is there: `inputs` as they were given, `outputs` with what Google added."""

    kind: str
    inputs: Json
    outputs: Json
    since: float = field(default_factory=time.monotonic)


@dataclass
class Call:
    """One call of the provider, and when it came."""

    verb: str
    name: str
    at: float = field(default_factory=time.monotonic)


type Fault = Callable[[str, str], None]


class Google:
    """Everything there is; safe for threads.

    Attributes:
        things: id -> thing.
        calls: what was asked, in order; reads left out.
        apis_take, grants_take: seconds until an API or a grant works after it was made.
        faults: called with verb and logical name before a call is carried out; may wait, or raise Denied.
    """

    def __init__(self) -> None:
        self.things: dict[str, Thing] = {}
        self.calls: list[Call] = []
        self.apis_take = self.grants_take = 0.0
        self.faults: list[Fault] = []
        self._serial = 1000
        self._lock = threading.RLock()

    def create(self, kind: str, name: str, inputs: Json) -> tuple[str, Json]:
        """Make one; its id and outputs.

        Raises:
            Denied: as Google would.
        """
        self._begin("create", name)
        self._check_propagation(kind)
        with self._lock:
            self._serial += 1
            knowledge = KINDS[kind]
            collection = COLLECTIONS.get(kind.rsplit("/", 1)[-1].split(":")[0], kind)
            id = knowledge.identity({**inputs, "serial": self._version(inputs)}, self._serial, collection)
            if id in self.things and not knowledge.again:
                raise Denied(f"googleapi: Error 409: Already Exists: {id}")
            outputs = {**inputs, **knowledge.computed(inputs, id, self._serial)}
            since = self.things[id].since if id in self.things else time.monotonic()
            self.things[id] = Thing(kind, inputs, outputs, since)
        self._end("create", name)
        return id, outputs

    def read(self, kind: str, id: str) -> tuple[str, Thing] | None:
        """The thing with this id, or with this id of an import, and its id."""
        with self._lock:
            found = self.things.get(id)
            if found and found.kind == kind:
                return id, found
            for other, thing in self.things.items():
                if thing.kind == kind and KINDS[kind].import_id(thing.inputs, other) == id:
                    return other, thing
        return None

    def update(self, kind: str, name: str, id: str, inputs: Json) -> Json:
        """Change one.

        Raises:
            Denied: it is not there.
        """
        self._begin("update", name)
        with self._lock:
            if id not in self.things:
                raise Denied(f"googleapi: Error 404: Not found: {id}")
            old = self.things[id]
            outputs = {**inputs, **KINDS[kind].computed(inputs, id, 0)}
            self.things[id] = Thing(kind, inputs, outputs, old.since)
        self._end("update", name)
        return outputs

    def delete(self, kind: str, name: str, id: str) -> None:
        """Take one away; one that is not there is no error.

        Raises:
            Denied: it is protected, or holds something.
        """
        self._begin("delete", name)
        with self._lock:
            thing = self.things.get(id)
            if thing and thing.inputs.get("deletionProtection"):
                raise Denied(f"cannot destroy {id} without setting deletion_protection=false and running apply")
            if thing and kind in HELD_BY:
                child, reference, own = HELD_BY[kind]
                if any(t.kind == child and t.inputs[reference] == thing.inputs[own] for t in self.things.values()):
                    raise Denied(f"Error 400: {id} is not empty")
            self.things.pop(id, None)
            for other in [i for i in self.things if i.startswith(f"{id}/")]:
                del self.things[other]
        self._end("delete", name)

    def of(self, kind: str) -> dict[str, Thing]:
        """Things of a kind, by id."""
        with self._lock:
            return {id: thing for id, thing in self.things.items() if thing.kind == kind}

    def done(self, *verbs: str) -> list[tuple[str, str]]:
        """(verb, logical name) of the calls that were carried out."""
        return [(call.verb, call.name) for call in self.calls if not verbs or call.verb in verbs]

    def _version(self, inputs: Json) -> int:
        return 1 + sum(1 for id in self.things if id.startswith(f"{inputs.get('secret')}/versions/"))

    def _begin(self, verb: str, name: str) -> None:
        for fault in list(self.faults):
            fault(verb, name)

    def _end(self, verb: str, name: str) -> None:
        with self._lock:
            self.calls.append(Call(verb, name))

    def _check_propagation(self, kind: str) -> None:
        if kind.startswith(("projects/service", "serviceaccount/")):
            return
        if self._young(self.apis_take, lambda thing: thing.kind == "projects/service:Service"):
            raise Denied(
                f"googleapi: Error 403: {kind} API has not been used in project before or it is disabled. If you "
                "enabled this API recently, wait a few minutes. SERVICE_DISABLED"
            )
        if kind == "cloudfunctionsv2/function:Function" and self._young(
            self.grants_take, lambda thing: thing.kind.lower().endswith("iammember")
        ):
            raise Denied("Build failed: the build account has no permission storage.objects.get yet")

    def _young(self, seconds: float, counts: Callable[[Thing], bool]) -> bool:
        with self._lock:
            now = time.monotonic()
            return any(now - thing.since < seconds for thing in self.things.values() if counts(thing))


def settled(value: Any) -> Any:
    """A dashboard as Cloud Monitoring gives it back: positions of 0 left out."""
    if isinstance(value, dict):
        return {k: settled(v) for k, v in value.items() if not (k in {"xPos", "yPos"} and v == 0)}
    return [settled(item) for item in value] if isinstance(value, list) else value


def same(kind: str, name: str, old: Any, new: Any) -> bool:
    """Whether the provider sees no change of an input: what Google left out counts as one."""
    if kind == "monitoring/dashboard:Dashboard" and name == "dashboardJson":
        return bool(settled(json.loads(old)) == json.loads(new))
    return bool(old == new)


def once(verb: str, name: str, text: str) -> Fault:
    """A fault: the first such call is denied."""
    seen: list[str] = []

    def fault(found: str, who: str) -> None:
        if (found, who) == (verb, name) and not seen:
            seen.append(who)
            raise Denied(text)

    return fault
