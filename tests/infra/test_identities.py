"""How resources are named for an import is how the installed SDK says they are."""

import inspect
import re
import typing

import pytest

from infra.adoption import identities
from tests.infra import sdk_schema
from tests.infra.recorder import Graph, unsecret

KINDS = sorted(identities.FORMATS)


def documentation(kind: str) -> str:
    _, module, name = kind.split(":")
    cls = sdk_schema.resource_class(f"{module}:{name}")
    texts = [inspect.getdoc(each) or "" for each in typing.get_overloads(vars(cls)["__init__"])]
    return "\n".join(text.split("## Import", 1)[1] for text in texts if "## Import" in text)


def documented(kind: str) -> list[str]:
    """Formats, e.g. `projects/{{project}}/datasets/{{dataset_id}}`; those of grants without role and member."""
    found = re.findall(r"pulumi import \S+ \S+ (\S.*)$", documentation(kind), re.MULTILINE)
    return [re.sub(r"\{\{\w+\}\}", "{}", text.strip('"').split(" ")[0]) for text in found]


@pytest.mark.parametrize("kind", KINDS)
def test_a_documented_format_is_used(kind: str) -> None:
    formats = documented(kind)
    used = re.sub(r"\{\w+\}", "{}", identities.FORMATS[kind].split(" ")[0])
    if formats:
        assert used in formats


def test_most_formats_are_documented() -> None:
    assert sum(bool(documented(kind)) for kind in KINDS) >= 8


@pytest.mark.parametrize("kind", sorted(identities.MADE_AGAIN | identities.WRITTEN))
def test_what_cannot_be_imported_is_documented_so(kind: str) -> None:
    assert "This resource does not support import." in documentation(kind)


def test_every_kind_the_program_makes_has_its_way_back(everything: Graph) -> None:
    known = {*identities.FORMATS, *identities.LOOKED_UP, *identities.MADE_AGAIN, *identities.WRITTEN}
    assert {resource.type for resource in everything.real()} == known


def test_every_id_that_follows_from_inputs_does(everything: Graph) -> None:
    for resource in everything.real():
        if resource.type in identities.FORMATS:
            found = identities.identity(resource.type, unsecret(resource.inputs))
            assert found, resource.path
            assert "{" not in found, resource.path


def test_an_id_made_of_what_is_not_known_is_none() -> None:
    inputs = {"project": "p", "role": "roles/x", "member": identities.UNKNOWN}
    assert identities.identity("gcp:projects/iAMMember:IAMMember", inputs) is None


def test_a_grant_under_a_condition_is_named_with_its_title() -> None:
    inputs = {"project": "p", "role": "roles/x", "member": "user:a@b.c", "condition": {"title": "only-this"}}
    assert identities.identity("gcp:projects/iAMMember:IAMMember", inputs) == "p roles/x user:a@b.c only-this"
