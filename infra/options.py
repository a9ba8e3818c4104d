"""The keys of the environment around the function: types, defaults and bounds."""

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}=[a-z0-9_-]{0,63}")


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone of the tz database, e.g. UTC or Europe/Madrid") from None
    return name


def _labels(text: str) -> str:
    pairs = text.split(",") if text else []
    if not all(LABEL.fullmatch(pair) for pair in pairs):
        raise ValueError("must be key=value,key=value in lower-case letters, digits, - and _")
    if len({pair.split("=")[0] for pair in pairs}) < len(pairs):
        raise ValueError("names a key twice")
    return text


def _or_empty(pattern: str) -> str:
    return rf"^(|{pattern})$"


Email = r"[^@\s]+@[^@\s]+\.[^@\s]+"


@dataclass(frozen=True, kw_only=True)
class Options:
    """One field per Pulumi key (kebab-case there). Empty text and 0 mean "not wanted" where allowed."""

    function_cpu: Literal["1", "2", "4", "6", "8"] = "1"
    function_memory: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}(Mi|Gi)$")] = "1Gi"
    function_timeout_seconds: Annotated[int, Field(ge=60, le=3600)] = 1740
    schedule: Annotated[str, Field(pattern=r"^\S+( \S+){4}$")] = "0 1 * * *"
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    paused: bool = False
    viewers_group: Annotated[str, Field(pattern=_or_empty(Email))] = ""
    partition_expiration_days: Annotated[int, Field(ge=0, le=36500)] = 0
    kms_key: Annotated[
        str, Field(pattern=_or_empty(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+"))
    ] = ""
    vpc_connector: Annotated[str, Field(pattern=_or_empty(r"projects/[^/]+/locations/[^/]+/connectors/[^/]+"))] = ""
    vpc_egress: Literal["private-ranges-only", "all-traffic"] = "private-ranges-only"
    labels: Annotated[str, AfterValidator(_labels)] = ""
    notification_email: Annotated[str, Field(pattern=_or_empty(Email))] = ""
    alert_no_success_hours: Annotated[int, Field(ge=0, le=25)] = 25
    alert_partial_runs: Annotated[int, Field(ge=0, le=30)] = 3
    alert_reject_percent: Annotated[int, Field(ge=0, le=99)] = 1

    @property
    def extra_labels(self) -> dict[str, str]:
        """`labels` as a mapping."""
        return dict(pair.split("=", 1) for pair in self.labels.split(",") if pair)

    @property
    def memory_mebibytes(self) -> int:
        """`function_memory` in MiB."""
        return int(self.function_memory[:-2]) * (1024 if self.function_memory.endswith("Gi") else 1)
