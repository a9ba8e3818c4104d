"""What becomes of a planned resource: it is taken over by its id, or left for a reason."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pulumi import automation as auto

from infra.adoption import identities
from infra.adoption.lookup import LISTS, LookupFailed, Monitoring
from infra.adoption.planned import CLOUD, Planned
from infra.adoption.plugin import Plugin, PluginError, running

AT_ONCE = 16
OWN_LABELS = ("app", "stack")
TITLE = re.compile(r'"displayName": "([^"]*)"')


@dataclass(frozen=True)
class Verdict:
    """`id` when it is taken over, else `why` not; `foreign` when what has its name belongs to something else."""

    planned: Planned
    id: str = ""
    why: str = ""
    foreign: bool = False
    outputs: dict[str, Any] | None = None


class _Left(Exception):
    """Why one is left."""


def judge(stack: auto.Stack, planned: Sequence[Planned]) -> list[Verdict]:
    """A verdict on each, by asking the provider whether it exists.

    Raises:
        PluginError: the provider cannot be asked at all.
    """
    if not planned:
        return []
    keys = {key: value for key, value in stack.get_all_config().items() if key.startswith(CLOUD)}
    configuration = {key.removeprefix(CLOUD): value.value for key, value in keys.items() if not value.secret}
    with running(configuration) as plugin, ThreadPoolExecutor(AT_ONCE) as pool:
        judge = _Judge(plugin, Monitoring(configuration["project"]), planned)
        return list(pool.map(judge.verdict, planned))


class _Judge:
    def __init__(self, plugin: Plugin, monitoring: Monitoring, planned: Sequence[Planned]) -> None:
        self._plugin, self._monitoring, self._planned = plugin, monitoring, planned

    def verdict(self, planned: Planned) -> Verdict:
        try:
            id = self._id(planned)
            known = planned.inputs if planned.kind in identities.WRITTEN else None
            outputs = self._plugin.read(planned.urn, id, known)
        except (PluginError, LookupFailed, _Left) as error:
            return Verdict(planned, why=str(error))
        if outputs is None:
            return Verdict(planned, why="does not exist; make up makes it")
        if why := _foreign(planned, outputs):
            return Verdict(planned, why=why, foreign=True)
        return Verdict(planned, id=id, outputs=outputs)

    def _id(self, planned: Planned) -> str:
        if planned.kind in identities.MADE_AGAIN:
            raise _Left("cannot be imported; make up makes it again, which changes nothing")
        if planned.kind in identities.WRITTEN:
            return planned.name
        if planned.kind in LISTS:
            return self._listed(planned)
        if planned.kind.endswith(":SecretVersion"):
            return self._version(planned)
        if planned.kind not in identities.FORMATS:
            raise _Left(f"{planned.kind} is not known to infra/adoption/identities.py")
        id = identities.identity(planned.kind, planned.inputs)
        if id is None:
            raise _Left("its id is known once what it names is taken over")
        return id

    def _listed(self, planned: Planned) -> str:
        labels = planned.inputs.get("userLabels") or {}
        own = {key: labels[key] for key in OWN_LABELS if key in labels}
        title = planned.inputs.get("displayName") or _title(planned)
        ids = self._monitoring.named(planned.kind, title, own)
        if len(ids) > 1:
            raise _Left(f"there are {len(ids)} called {title!r}: delete all but one of {', '.join(sorted(ids))}")
        if not ids:
            raise _Left("does not exist; make up makes it")
        return ids[0]

    def _version(self, planned: Planned) -> str:
        """The version that the function reads: a secret may have others, and those may be destroyed."""
        secret = next(item for item in self._planned if item.name == planned.name.removesuffix("-version"))
        for function in (item for item in self._planned if item.kind.endswith(":Function")):
            id = identities.identity(function.kind, function.inputs)
            outputs = self._plugin.read(function.urn, id) if id else None
            for pinned in ((outputs or {}).get("serviceConfig") or {}).get("secretEnvironmentVariables") or []:
                if pinned["secret"] == secret.inputs["secretId"]:
                    return f"{identities.identity(secret.kind, secret.inputs)}/versions/{pinned['version']}"
        raise _Left("no function says which version it reads; make up makes a new one")


def _title(planned: Planned) -> str:
    # The last key but one of the sorted JSON is the dashboard's own name; its widgets have titles.
    found = TITLE.search(str(planned.inputs.get("dashboardJson", "")))
    return found[1] if found else ""


def _foreign(planned: Planned, outputs: dict[str, Any]) -> str:
    """Why a thing is not this stack's, by its labels; empty when it is, or its kind has none."""
    wanted = planned.inputs.get("labels") or {}
    labels = {**(outputs.get("effectiveLabels") or {}), **(outputs.get("labels") or {})}
    if all(labels.get(key) == wanted[key] for key in OWN_LABELS if key in wanted):
        return ""
    whose = f"the stack {labels['stack']}" if labels.get("stack") else "something else"
    return f"exists and belongs to {whose}: choose another name for it, or another project"
