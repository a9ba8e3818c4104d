"""The typed SDK as a schema: names, types, what is required and which values are allowed.

The SDK is generated from the provider's schema, which is not published where this project installs from. So this finds
unknown keys, wrong types, missing inputs and bad enum values; it knows nothing of the provider's own validation.
"""

import collections.abc
import importlib
import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator
from typing import Any

import pulumi

from tests.infra.recorder import Resource, unsecret

ENUM = re.compile(r"[Pp]ossible values(?: are|:)[^`]*((?:`[^`]*`[,. \n]*(?:and |or )?)+)")

CONTAINERS: dict[Any, type[list[Any] | dict[str, Any]]] = {
    collections.abc.Sequence: list,
    collections.abc.Mapping: dict,
}


def problems(resource: Resource) -> list[str]:
    """What the SDK would not accept in the inputs of `resource`, each with its path."""
    return list(_object(arguments(resource.type), unsecret(resource.inputs), resource.path))


def arguments(token: str) -> type:
    """Class of the inputs of a resource type such as `gcp:storage/bucket:Bucket`."""
    _, module, name = token.split(":")
    classes = vars(importlib.import_module(f"pulumi_gcp.{module.split('/')[0]}"))
    # `…InitArgs` where a nested type has the plain name already.
    return typing.cast("type", classes.get(f"{name}InitArgs") or classes[f"{name}Args"])


def resource_class(kind: str) -> type:
    """Class of a kind such as `storage/bucket:Bucket`."""
    module, name = kind.split(":")
    return typing.cast("type", getattr(importlib.import_module(f"pulumi_gcp.{module.split('/')[0]}"), name))


def enums(cls: type) -> dict[str, set[str]]:
    """Allowed values of the properties of `cls`, where its documentation lists them."""
    found = {getter.name: ENUM.search(getter.doc) for getter in _getters(cls)}
    return {name: set(re.findall(r"`([^`]+)`", match[1])) for name, match in found.items() if match}


class _Getter(typing.NamedTuple):
    name: str
    python_name: str
    hint: Any
    doc: str


def _getters(cls: type) -> Iterator[_Getter]:
    scope = {"Output": pulumi.Output, "T": typing.TypeVar("T")}
    for python_name, member in vars(cls).items():
        if isinstance(member, property) and member.fget:
            module = sys.modules[cls.__module__]
            hint = typing.get_type_hints(member.fget, vars(module), scope)["return"]
            name: str = member.fget._pulumi_name  # type: ignore[attr-defined]  # set by pulumi.getter
            yield _Getter(name, python_name, hint, inspect.getdoc(member) or "")


def _object(cls: type, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: not an object"
        return
    getters = {getter.name: getter for getter in _getters(cls)}
    allowed = enums(cls)
    parameters = inspect.signature(cls).parameters
    for name, getter in getters.items():
        if parameters[getter.python_name].default is inspect.Parameter.empty and name not in value:
            yield f"{path}.{name}: missing"
    for name, item in value.items():
        if name not in getters:
            yield f"{path}.{name}: unknown"
        else:
            yield from _value(getters[name].hint, item, f"{path}.{name}")
            if name in allowed and isinstance(item, str) and item not in allowed[name]:
                yield f"{path}.{name}: {item} is none of {', '.join(sorted(allowed[name]))}"


def _value(hint: Any, value: object, path: str) -> Iterator[str]:
    found = [list(_plain(choice, value, path)) for choice in _choices(hint)]
    if not found:
        yield f"{path}: no rule for {hint}"
    elif all(found):
        yield from found[0]


def _choices(hint: Any) -> list[Any]:
    """The plain types of an Input[...]: not None, not what stands for a value to come."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [choice for part in typing.get_args(hint) for choice in _choices(part)]
    if hint is type(None) or typing.get_origin(hint) in (collections.abc.Awaitable, pulumi.Output):
        return []
    return [hint]


def _plain(hint: Any, value: object, path: str) -> Iterator[str]:
    if typing.get_origin(hint) in CONTAINERS:
        yield from _container(hint, value, path)
    elif hint in (str, int, float, bool):
        accepted = (int, float) if hint is float else (hint,)
        if not isinstance(value, accepted) or (isinstance(value, bool) and hint is not bool):
            yield f"{path}: {type(value).__name__}, not {hint.__name__}"
    elif isinstance(hint, type) and hint.__module__.startswith("pulumi_gcp.") and not typing.is_typeddict(hint):
        yield from _object(hint, value, path)
    elif not (isinstance(hint, type) and issubclass(hint, pulumi.Asset | pulumi.Archive)):
        yield f"{path}: no rule for {hint}"


def _container(hint: Any, value: object, path: str) -> Iterator[str]:
    expected, inner = CONTAINERS[typing.get_origin(hint)], typing.get_args(hint)[-1]
    if not isinstance(value, expected):
        yield f"{path}: not a {expected.__name__}"
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield from _value(inner, item, f"{path}[{key}]")
