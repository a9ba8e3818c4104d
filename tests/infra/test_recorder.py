"""The harness itself: a program with known faults must show them."""

from pathlib import Path

import pulumi
import pulumi_gcp as gcp
import pytest

from tests.infra.recorder import BASE, Secret, record


def test_it_sees_duplicates_secrets_options_and_outputs(tmp_path: Path) -> None:
    def program() -> None:
        for _ in range(2):
            gcp.storage.Bucket("b", location="EU", opts=pulumi.ResourceOptions(protect=True))
        bucket = gcp.storage.Bucket("c", location=pulumi.Output.secret("EU"))
        pulumi.export("name", bucket.name)

    graph = record(BASE, root=tmp_path, program=program)
    assert len(graph.duplicates) == 1
    assert graph["b"].protect
    assert graph["c"].inputs == {"location": Secret("EU")}


def test_it_raises_what_the_program_raises_and_forgets_it(tmp_path: Path) -> None:
    def broken() -> None:
        gcp.storage.Bucket("b", location="EU")
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        record(BASE, root=tmp_path, program=broken)
    assert record(BASE, root=tmp_path, program=lambda: None).resources == {}


def test_a_configuration_does_not_leak_into_the_next_run(tmp_path: Path) -> None:
    seen: list[str | None] = []
    for config in ({**BASE, "sluice:only-once": "1"}, BASE):
        record(config, root=tmp_path, program=lambda: seen.append(pulumi.Config().get("only-once")))
    assert seen == ["1", None]


def test_before_follows_parents_and_the_children_of_components(tmp_path: Path) -> None:
    def program() -> None:
        first, second = (pulumi.ComponentResource("sluice:test:Box", "first"), None)
        inner = gcp.storage.Bucket("inner", location="EU", opts=pulumi.ResourceOptions(parent=first))
        second = pulumi.ComponentResource("sluice:test:Box", "second", None, pulumi.ResourceOptions(depends_on=[first]))
        gcp.storage.Bucket("later", location="EU", opts=pulumi.ResourceOptions(parent=second))
        assert inner is not None

    graph = record(BASE, root=tmp_path, program=program)
    assert graph["first/inner"].urn in graph.before(graph["second/later"])
    assert graph["second/later"].urn not in graph.before(graph["first/inner"])
