"""The installed SDK as a schema: inputs and outputs of a kind, and what its documentation says replaces."""

import functools
import inspect
import re
from typing import Any

from tests.infra.sdk_schema import resource_class

REPLACES = re.compile(r"[Cc]hanging this forces a new (resource|service account) to be created")


@functools.cache
def outputs(kind: str) -> frozenset[str]:
    """Names of everything the provider answers with."""
    return frozenset(_getters(resource_class(kind)))


def documented_to_replace(kind: str, inputs: type) -> set[str]:
    """Inputs whose documentation says that a change makes another resource."""
    return {name for name, doc in _getters(inputs).items() if REPLACES.search(doc)}


def _getters(cls: type) -> dict[str, str]:
    members: list[Any] = [m for m in vars(cls).values() if isinstance(m, property) and m.fget]
    return {
        m.fget._pulumi_name: " ".join((inspect.getdoc(m) or "").split())
        for m in members
        if hasattr(m.fget, "_pulumi_name")
    }
