"""What an auditor asks of this project, as policies: `pulumi preview --policy-pack policy`.

Every rule looks at inputs only, so that it can also judge a resource that is not made yet. What is not known before the
update is judged at the update; the preview says nothing of it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pulumi_policy import (  # type: ignore[import-not-found]  # lives in .venv-policy, apart from the rest
    EnforcementLevel,
    PolicyPack,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError  # type: ignore[import-not-found]  # as above

PUBLIC = {"allUsers", "allAuthenticatedUsers"}
BASIC = {"roles/owner", "roles/editor", "roles/viewer"}
# Roles over data that must not reach further than the resource they are meant for.
DATA_ROLE = re.compile(
    r"roles/(bigquery\.(admin|data\w+)|storage\.|secretmanager\.|cloudkms\.|run\.|artifactregistry\.)"
)
SENSITIVE_NAME = re.compile(r"SECRET|PASSWORD|TOKEN|PRIVATE_KEY|CLIENT_ID")
REQUIRED_LABELS = ("app", "stack")
LABELLED = {
    "gcp:artifactregistry/repository:Repository": "labels",
    "gcp:bigquery/dataset:Dataset": "labels",
    "gcp:bigquery/table:Table": "labels",
    "gcp:cloudfunctionsv2/function:Function": "labels",
    "gcp:monitoring/alertPolicy:AlertPolicy": "userLabels",
    "gcp:monitoring/notificationChannel:NotificationChannel": "userLabels",
    "gcp:secretmanager/secret:Secret": "labels",
    "gcp:storage/bucket:Bucket": "labels",
}
ENCRYPTED = set(LABELLED) - {kind for kind, name in LABELLED.items() if name == "userLabels"}
KEY_INPUTS = ("kmsKeyName", "defaultKmsKeyName")

type Rule = Callable[[str, Mapping[str, Any], Any], Iterator[str]]


def no_public_member(kind: str, props: Mapping[str, Any], options: Any) -> Iterator[str]:
    """Nobody outside the organisation's directory may be granted anything."""
    if "iammember" in kind.lower() or "iambinding" in kind.lower():
        yield from (
            f"{member} is everybody" for member in PUBLIC & {props.get("member"), *(props.get("members") or [])}
        )


def no_basic_role(kind: str, props: Mapping[str, Any], options: Any) -> Iterator[str]:
    """Owner, Editor and Viewer are too wide for anything."""
    if "iam" in kind.lower() and props.get("role") in BASIC:
        yield f"{props['role']} opens the whole project"


def no_data_role_on_the_project(kind: str, props: Mapping[str, Any], options: Any) -> Iterator[str]:
    """Rights over data are granted on the dataset, the secret or the bucket, or under a condition."""
    wide = kind.lower().startswith(("gcp:projects/iammember", "gcp:projects/iambinding"))
    if wide and not props.get("condition") and DATA_ROLE.match(props["role"]):
        yield f"{props['role']} is granted on the whole project"


def no_account_key(kind: str, props: Mapping[str, Any], options: Any) -> Iterator[str]:
    """Service accounts have no keys that could be lost."""
    if kind == "gcp:serviceaccount/key:Key":
        yield "a key of a service account can be copied"


def stores_are_protected(kind: str, props: Mapping[str, Any], options: Any) -> Iterator[str]:
    """What holds data cannot be deleted or replaced by an update."""
    table = kind == "gcp:bigquery/table:Table" and not props.get("view")
    # A dataset that says it holds views alone; a table in it is judged like any other.
    dataset = kind == "gcp:bigquery/dataset:Dataset" and (props.get("labels") or {}).get("content") != "views"
    if (table or dataset) and not options.protect:
        yield "it is not protected"
    if table and props.get("deletionProtection") is False:
        yield "deletion protection is off"
    if props.get("deleteContentsOnDestroy") or props.get("forceDestroy"):
        yield "its contents would be deleted with it"


def labels_are_present(kind: str, props: Mapping[str, Any], options: Any) -> Iterator[str]:
    """Cost and ownership can be told from labels."""
    if kind in LABELLED:
        labels = props.get(LABELLED[kind]) or {}
        yield from (f"the label {label} is missing" for label in REQUIRED_LABELS if not labels.get(label))


def buckets_are_private(kind: str, props: Mapping[str, Any], options: Any) -> Iterator[str]:
    """No object can be made public, by nobody."""
    if kind == "gcp:storage/bucket:Bucket":
        if props.get("publicAccessPrevention") != "enforced":
            yield "public access is not prevented"
        if not props.get("uniformBucketLevelAccess"):
            yield "single objects can have access lists"


def functions_are_internal(kind: str, props: Mapping[str, Any], options: Any) -> Iterator[str]:
    """Functions are reached from inside the project, act as an account of their own and read pinned secrets."""
    if kind != "gcp:cloudfunctionsv2/function:Function":
        return
    config = props.get("serviceConfig") or {}
    if config.get("ingressSettings") != "ALLOW_INTERNAL_ONLY":
        yield "it can be reached from the internet"
    if not config.get("serviceAccountEmail") or not (props.get("buildConfig") or {}).get("serviceAccount"):
        yield "it runs or is built as the project's default account"
    for name in config.get("environmentVariables") or {}:
        if SENSITIVE_NAME.search(name):
            yield f"{name} looks like a secret and is not read from Secret Manager"
    for secret in config.get("secretEnvironmentVariables") or []:
        if secret["version"] == "latest":
            yield f"{secret['key']} is not pinned to a version"


def one_key_for_every_store(args: Any, report: Callable[..., None]) -> None:
    """Once one store is encrypted with a customer's key, all are, with the same."""
    stores = [resource for resource in args.resources if resource.resource_type in ENCRYPTED]
    keys = {store.urn: frozenset(_keys(store.props)) for store in stores if not store.props.get("view")}
    wanted = frozenset().union(*keys.values())
    for urn, found in keys.items():
        if found != wanted or len(wanted) > 1:
            report(f"encrypted with {', '.join(sorted(found)) or 'no key of yours'}", urn)


def _keys(props: Any) -> Iterator[str]:
    if isinstance(props, Mapping):
        for name in props:
            with suppress(UnknownValueError):
                if name in KEY_INPUTS and props[name]:
                    yield props[name]
                else:
                    yield from _keys(props[name])
    elif isinstance(props, Sequence) and not isinstance(props, str):
        for item in props:
            yield from _keys(item)


def _policy(rule: Rule) -> Any:
    def validate(args: ResourceValidationArgs, report: Callable[..., None]) -> None:
        with suppress(UnknownValueError):
            for violation in rule(args.resource_type, args.props, args.opts):
                report(violation)

    return ResourceValidationPolicy(rule.__name__.replace("_", "-"), rule.__doc__ or "", validate)


def _stack_policy(rule: Callable[[StackValidationArgs, Callable[..., None]], None]) -> Any:
    return StackValidationPolicy(rule.__name__.replace("_", "-"), rule.__doc__ or "", rule)


PolicyPack(
    name="sluice",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[
        _policy(no_public_member),
        _policy(no_basic_role),
        _policy(no_data_role_on_the_project),
        _policy(no_account_key),
        _policy(stores_are_protected),
        _policy(labels_are_present),
        _policy(buckets_are_private),
        _policy(functions_are_internal),
        _stack_policy(one_key_for_every_store),
    ],
)
