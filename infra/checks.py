"""What no single key can be blamed for: keys that contradict each other or the place they are deployed to."""

import re
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urlsplit

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


def place(provider: Mapping[str, str | None], name: str) -> Iterator[str]:
    """Problems of where it is deployed to and under which name."""
    for key, pattern in (("project", PROJECT), ("region", REGION)):
        value = provider[key]
        if not value:
            yield f"gcp:{key} is missing: pulumi config set gcp:{key} …"
        elif not pattern.fullmatch(value):
            yield f"gcp:{key} is not a Google Cloud {key}"
    if not NAME.fullmatch(name):
        yield (
            f"the stack's name: {name!r} names every resource and must be 3 to 22 lower-case letters, digits and -; "
            "choose another stack name"
        )


def contradictions(function: FunctionSettings, options: Options, region: str, taken: Collection[str]) -> Iterator[str]:
    """Problems between keys. `taken`: names of the other tables and of the views of the dataset."""
    yield from _time(function, options)
    yield from _memory(function, options)
    yield from _network(function, options, region)
    if options.kms_key and {function.bq_location.lower(), region} != {_location(options.kms_key)}:
        yield "kms-key, bq-location and gcp:region must be one location: one key encrypts the stores of all of them"
    if function.bq_table in taken:
        yield f"bq-table: {function.bq_table!r} is the name of another table or view of the dataset"


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
    if options.vpc_egress == "all-traffic" and not options.vpc_connector:
        yield "vpc-egress and vpc-connector: all-traffic needs a connector to go through"
    if options.vpc_connector and _location(options.vpc_connector) != region:
        yield "vpc-connector and gcp:region: the connector must be in the region of the function"


def _location(resource: str) -> str:
    return resource.split("/")[3].lower()
