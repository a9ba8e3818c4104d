"""What no single key can be blamed for: keys that contradict each other or the place they are deployed to."""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from urllib.parse import urlsplit

from infra.cron import Cron
from infra.options import Options
from sluice.settings import LOOPBACK, MEBIBYTE
from sluice.settings import Settings as FunctionSettings

# Cloud Scheduler gives up on a request after 30 minutes; a minute is left for the answer to travel.
LONGEST_TIMEOUT_SECONDS = 1740
# From the end of the budget to the answer: last requests, one load job, one transaction.
COMMIT_MARGIN_SECONDS = 180
# From the limit of a run to the answer: the ledger's last row, tidying up.
ANSWER_MARGIN_SECONDS = 60
# MiB that Cloud Run accepts for a number of CPUs (cloud.google.com/run/docs/configuring/services/memory-limits).
MEMORY_OF_CPU = {"1": (512, 4096), "2": (512, 8192), "4": (2048, 16384), "6": (4096, 24576), "8": (4096, 32768)}
# Interpreter, libraries, 50 threads with a body each, and the buffer: the buffer may take this part of the memory.
BUFFER_SHARE = 4
# Longest suffix is "-looker-client-secret" for secrets (255) and "-runtime" for accounts (30).
NAME = re.compile(r"[a-z][a-z0-9-]{1,20}[a-z0-9]")
PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
MULTI_REGIONS = {"us": "us", "eu": "europe"}
# What the provider would read where gcp:project or gcp:region is not set: another machine would deploy elsewhere.
ELSEWHERE = {
    "project": ("GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT"),
    "region": ("GOOGLE_REGION", "GCLOUD_REGION", "CLOUDSDK_COMPUTE_REGION"),
}
# Names BigQuery keeps to itself, in any case of letters.
RESERVED_DATASETS = {"information_schema"}
OWN_LABELS = {"app", "stack"}
HOUR_SECONDS = 3600


def place(provider: Mapping[str, str | None], name: str) -> Iterator[str]:
    """Problems of where it is deployed to and under which name."""
    for key, pattern in (("project", PROJECT), ("region", REGION)):
        value = provider[key]
        if not value:
            set_ = [variable for variable in ELSEWHERE[key] if os.environ.get(variable)]
            why = (
                f" ({set_[0]} is set and not read: a stack is deployed to one {key}, whoever deploys it)"
                if set_
                else ""
            )
            yield f"gcp:{key} is missing: pulumi config set gcp:{key} …{why}"
        elif key == "project" and ":" in value:
            yield "gcp:project: domain-scoped projects (example.com:id) are not supported"
        elif not pattern.fullmatch(value):
            yield f"gcp:{key} is not a Google Cloud {key}"
    if not NAME.fullmatch(name):
        yield (
            f"the stack's name: {name!r} names every resource and must be 3 to 22 lower-case letters, digits and -; "
            "choose another stack name"
        )


def namespaces(keys: Collection[str], own: str, known: Collection[str]) -> Iterator[str]:
    """Problems of keys under another namespace than `own`: `slucie:dry-run` would leave dry-run off, unseen."""
    for key in sorted(keys):
        namespace, _, name = key.partition(":")
        if namespace == own:
            continue
        if name in known:
            yield f"{key}: {name} is a key of {own}: pulumi config rm {key}, and pulumi config set {own}:{name} …"
        elif get_close_matches(namespace, [own], cutoff=0.75):
            yield f"{key}: the namespace of this project is {own}: pulumi config rm {key}"


def contradictions(
    function: FunctionSettings, options: Options, region: str, taken: Collection[str], labels: Collection[str]
) -> Iterator[str]:
    """Problems between keys.

    Args:
        taken: names of the other tables and of the views of the dataset.
        labels: keys of labels that are given to tables.
    """
    yield from _time(function, options)
    yield from _schedule(options)
    yield from _location(function.bq_location)
    yield from _memory(function, options)
    yield from _network(function, options, region)
    if options.kms_key and {function.bq_location.lower(), region} != {_place(options.kms_key)}:
        yield "kms-key, bq-location and gcp:region must be one location: one key encrypts the stores of all of them"
    if function.bq_table in taken:
        yield f"bq-table: {function.bq_table!r} is the name of another table or view of the dataset"
    for name in ("bq_dataset", "bq_table"):
        if getattr(function, name).lower() in RESERVED_DATASETS:
            yield f"{name.replace('_', '-')}: {getattr(function, name)!r} is a name BigQuery keeps to itself"
    for key in sorted((OWN_LABELS | set(labels)) & set(options.extra_labels)):
        yield f"labels: {key} is set by this project and must be left out"


def doubts(function: FunctionSettings, region: str) -> Iterator[str]:
    """What is allowed and seldom meant."""
    location = function.bq_location.lower()
    if MULTI_REGIONS.get(location, location.split("-")[0]) != region.split("-")[0]:
        yield (
            f"bq-location and gcp:region: {function.bq_location} and {region} are not on one continent: "
            "every conversation crosses from one to the other"
        )


def _time(function: FunctionSettings, options: Options) -> Iterator[str]:
    timeout = options.function_timeout_seconds
    if timeout > LONGEST_TIMEOUT_SECONDS:
        yield (
            f"function-timeout-seconds: {timeout} is above {LONGEST_TIMEOUT_SECONDS}: Cloud Scheduler waits "
            "1800 seconds at most and would call a run failed that is still under way"
        )
    if function.run_budget_seconds + COMMIT_MARGIN_SECONDS > timeout:
        yield (
            f"run-budget-seconds and function-timeout-seconds: {function.run_budget_seconds} + "
            f"{COMMIT_MARGIN_SECONDS} to commit is above {timeout}"
        )
    if function.run_limit_seconds + ANSWER_MARGIN_SECONDS > timeout:
        yield (
            f"run-limit-seconds and function-timeout-seconds: {function.run_limit_seconds} + "
            f"{ANSWER_MARGIN_SECONDS} to answer is above {timeout}"
        )


def _schedule(options: Options) -> Iterator[str]:
    cron = Cron.parse(options.schedule)
    if cron.shortest_pause_seconds < options.function_timeout_seconds:
        yield (
            f"schedule and function-timeout-seconds: runs would start every {cron.shortest_pause_seconds} seconds and "
            f"may last {options.function_timeout_seconds}; there is one at a time"
        )
    hours = options.alert_no_success_hours
    if hours and hours * HOUR_SECONDS <= cron.longest_pause_seconds:
        yield (
            f"alert-no-success-hours and schedule: {cron.longest_pause_seconds // HOUR_SECONDS} hours pass between two "
            f"runs; {hours} must be more, or 0 for never"
        )


def _location(location: str) -> Iterator[str]:
    if location.lower() not in MULTI_REGIONS and not REGION.fullmatch(location.lower()):
        yield "bq-location: must be US, EU or a region, e.g. europe-west1"


def _memory(function: FunctionSettings, options: Options) -> Iterator[str]:
    least, most = MEMORY_OF_CPU[options.function_cpu]
    if not least <= options.memory_mebibytes <= most:
        yield (
            f"function-memory and function-cpu: {options.function_cpu} CPU takes {least} to {most} MiB, "
            f"not {options.memory_mebibytes}"
        )
    if function.buffer_bytes * BUFFER_SHARE > options.memory_mebibytes * MEBIBYTE:
        yield f"buffer-bytes and function-memory: the buffer may take 1/{BUFFER_SHARE} of the memory at most"


def _network(function: FunctionSettings, options: Options, region: str) -> Iterator[str]:
    if urlsplit(function.looker_base_url).hostname in LOOPBACK:
        yield "looker-base-url: a loopback address cannot be reached from Google Cloud"
    direct = options.vpc_network or options.vpc_subnet
    if options.vpc_egress == "all-traffic" and not (options.vpc_connector or direct):
        yield "vpc-egress and vpc-connector: all-traffic needs a connector, or a vpc-subnet, to go through"
    if options.vpc_connector and direct:
        yield "vpc-connector and vpc-subnet: there is one way out: keep the connector, or the network and its subnet"
    if options.vpc_network and not options.vpc_subnet:
        yield "vpc-network and vpc-subnet: name the subnet of the network, in the region of the function"
    for key, resource in (("vpc-connector", options.vpc_connector), ("vpc-subnet", options.vpc_subnet)):
        if resource and _place(resource) != region:
            yield f"{key} and gcp:region: the {key.removeprefix('vpc-')} must be in the region of the function"


def _place(resource: str) -> str:
    return resource.split("/")[3].lower()
