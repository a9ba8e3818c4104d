"""The policy pack: it has nothing to say of this program, and stops each thing an auditor would stop."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict  # type: ignore[import-untyped]  # protobuf ships no types
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]  # protobuf ships no types
from packaging.requirements import Requirement

from infra.definitions import ROOT
from tests.infra.analyzer import Analyzer, analyzer
from tests.infra.recorder import BASE, EVERYTHING, KEY, Graph, record

MEMBER = "gcp:projects/iAMMember:IAMMember"
FUNCTION = "gcp:cloudfunctionsv2/function:Function"
BUCKET = "gcp:storage/bucket:Bucket"
TABLE = "gcp:bigquery/table:Table"
LABELS = {"app": "a", "stack": "s"}
INTERNAL = {"ingressSettings": "ALLOW_INTERNAL_ONLY", "serviceAccountEmail": "a@b.c"}
BUILD = {"serviceAccount": "projects/p/serviceAccounts/a@b.c"}

CASES: list[tuple[str, str, dict[str, Any], bool, str]] = [
    (
        "no-public-member",
        MEMBER,
        {"role": "roles/logging.viewer", "member": "allUsers"},
        False,
        "allUsers",
    ),
    (
        "no-public-member",
        "gcp:storage/bucketIAMBinding:BucketIAMBinding",
        {"role": "roles/storage.objectViewer", "members": ["allAuthenticatedUsers"]},
        False,
        "allAuthenticatedUsers",
    ),
    ("no-basic-role", MEMBER, {"role": "roles/editor", "member": "user:a@b.c"}, False, "roles/editor"),
    (
        "no-data-role-on-the-project",
        MEMBER,
        {"role": "roles/bigquery.dataEditor", "member": "user:a@b.c"},
        False,
        "roles/bigquery.dataEditor",
    ),
    (
        "no-data-role-on-the-project",
        "gcp:projects/iAMBinding:IAMBinding",
        {"role": "roles/secretmanager.secretAccessor", "members": ["user:a@b.c"]},
        False,
        "roles/secretmanager",
    ),
    ("no-account-key", "gcp:serviceaccount/key:Key", {"serviceAccountId": "a"}, False, "can be copied"),
    ("stores-are-protected", TABLE, {"labels": LABELS, "deletionProtection": True}, False, "not protected"),
    ("stores-are-protected", TABLE, {"labels": LABELS, "deletionProtection": False}, True, "protection is off"),
    ("stores-are-protected", "gcp:bigquery/dataset:Dataset", {"labels": LABELS}, False, "not protected"),
    (
        "stores-are-protected",
        "gcp:bigquery/dataset:Dataset",
        {"labels": LABELS, "deleteContentsOnDestroy": True},
        True,
        "contents would be deleted",
    ),
    ("labels-are-present", "gcp:secretmanager/secret:Secret", {"labels": {"app": "a"}}, False, "label stack"),
    (
        "labels-are-present",
        "gcp:monitoring/alertPolicy:AlertPolicy",
        {"userLabels": {"stack": "s"}},
        False,
        "label app",
    ),
    (
        "buckets-are-private",
        BUCKET,
        {"labels": LABELS, "uniformBucketLevelAccess": True, "publicAccessPrevention": "inherited"},
        False,
        "not prevented",
    ),
    (
        "buckets-are-private",
        BUCKET,
        {"labels": LABELS, "publicAccessPrevention": "enforced"},
        False,
        "single objects",
    ),
    (
        "functions-are-internal",
        FUNCTION,
        {"labels": LABELS, "buildConfig": BUILD, "serviceConfig": {**INTERNAL, "ingressSettings": "ALLOW_ALL"}},
        False,
        "from the internet",
    ),
    (
        "functions-are-internal",
        FUNCTION,
        {"labels": LABELS, "buildConfig": {}, "serviceConfig": INTERNAL},
        False,
        "default account",
    ),
    (
        "functions-are-internal",
        FUNCTION,
        {
            "labels": LABELS,
            "buildConfig": BUILD,
            "serviceConfig": {**INTERNAL, "environmentVariables": {"LOOKER_CLIENT_SECRET": "x"}},
        },
        False,
        "LOOKER_CLIENT_SECRET looks like a secret",
    ),
    (
        "functions-are-internal",
        FUNCTION,
        {
            "labels": LABELS,
            "buildConfig": BUILD,
            "serviceConfig": {**INTERNAL, "secretEnvironmentVariables": [{"key": "K", "version": "latest"}]},
        },
        False,
        "K is not pinned",
    ),
]


@pytest.fixture(scope="module")
def pack() -> Iterator[Analyzer]:
    with analyzer() as running:
        yield running


def struct(properties: dict[str, Any]) -> Struct:
    return ParseDict(properties, Struct())


def test_the_program_violates_nothing(pack: Analyzer, graph: Graph) -> None:
    assert pack.graph(graph) == []


def test_a_preview_is_judged_as_far_as_it_is_known(pack: Analyzer, checkout: Path) -> None:
    for config in (BASE, EVERYTHING):
        found = pack.graph(record(config, root=checkout, preview=True))
        assert found == []


@pytest.mark.parametrize(("policy", "kind", "properties", "protect", "message"), CASES)
def test_a_violation_is_reported_once_by_its_policy(
    pack: Analyzer, policy: str, kind: str, properties: dict[str, Any], protect: bool, message: str
) -> None:
    found = pack.resource(kind, struct(properties), protect=protect)
    assert [name for name, _ in found] == [policy]
    assert message in found[0][1]


def test_what_is_not_known_yet_is_not_spoken_of_and_the_rest_is_judged(pack: Analyzer) -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    grant = {"role": "roles/editor", "member": unknown}
    assert [name for name, _ in pack.resource(MEMBER, struct(grant))] == ["no-basic-role"]
    bucket = struct({"name": unknown, "encryption": {"defaultKmsKeyName": KEY}})
    table = struct({"tableId": unknown})
    found = pack.stack([(BUCKET, "urn:a", bucket), (TABLE, "urn:b", table)])
    assert [name for name, _ in found] == ["one-key-for-every-store"]


def test_a_dataset_of_views_needs_no_protection_and_a_table_in_it_does(pack: Analyzer) -> None:
    dataset = {"labels": {**LABELS, "content": "views"}}
    assert pack.resource("gcp:bigquery/dataset:Dataset", struct(dataset)) == []


def test_a_role_under_a_condition_and_a_view_without_protection_pass(pack: Analyzer) -> None:
    condition = {"title": "t", "expression": "true"}
    grant = {"role": "roles/storage.objectViewer", "member": "user:a@b.c", "condition": condition}
    assert pack.resource(MEMBER, struct(grant)) == []
    view = {"labels": LABELS, "deletionProtection": False, "view": {"query": "SELECT 1"}}
    assert pack.resource(TABLE, struct(view)) == []


@pytest.mark.parametrize(
    ("first", "second", "violations"),
    [(None, None, 0), (KEY, KEY, 0), (KEY, None, 1), (KEY, f"{KEY}2", 2)],
)
def test_stores_share_one_key_or_have_none(
    pack: Analyzer, first: str | None, second: str | None, violations: int
) -> None:
    bucket = struct({"encryption": {"defaultKmsKeyName": first}} if first else {})
    table = struct({"encryptionConfiguration": {"kmsKeyName": second}} if second else {})
    view = struct({"view": {"query": "SELECT 1"}})
    stack = [(BUCKET, "urn:a", bucket), (TABLE, "urn:b", table), (TABLE, "urn:c", view)]
    assert [name for name, _ in pack.stack(stack)] == ["one-key-for-every-store"] * violations


def test_every_policy_is_mandatory_and_has_a_violation_here(pack: Analyzer) -> None:
    assert pack.policies() == {case[0] for case in CASES} | {"one-key-for-every-store"}


def test_every_rule_of_the_pack_is_in_the_pack(pack: Analyzer) -> None:
    tree = ast.parse((ROOT / "policy/__main__.py").read_text(encoding="utf-8"))
    rules = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")}
    assert {rule.replace("_", "-") for rule in rules} == pack.policies()


def test_the_locked_requirements_are_what_the_pack_asks_for_and_share_the_sdk_of_the_program() -> None:
    wanted = Requirement((ROOT / "policy/requirements.in").read_text(encoding="utf-8").split("#")[0])
    locked = {
        name: dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("policy/requirements.txt", "infra/requirements.txt")
    }
    assert wanted.specifier.contains(locked["policy/requirements.txt"][wanted.name])
    assert locked["policy/requirements.txt"]["pulumi"] == locked["infra/requirements.txt"]["pulumi"]
