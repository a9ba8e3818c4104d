"""The keys of the environment around the function: types, defaults and bounds."""

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from infra.cron import Cron
from sluice.settings import worded

CHANNEL = re.compile(r"projects/[^/]+/notificationChannels/[0-9]+")
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
        raise ValueError("must name a key once")
    if any(pair.startswith("goog") for pair in pairs):
        raise ValueError("must not begin a key with goog: Google keeps those to itself")
    return text


def _schedule(text: str) -> str:
    Cron.parse(text)
    return text


def _or_empty(pattern: str, wanted: str) -> AfterValidator:
    return worded(rf"|{pattern}", f"{wanted} or empty")


def _channels(text: str) -> str:
    names = text.split(",") if text else []
    if not all(CHANNEL.fullmatch(name) for name in names):
        raise ValueError("must be projects/…/notificationChannels/…, comma-separated")
    if len(set(names)) < len(names):
        raise ValueError("must name a channel once")
    return text


EMAIL = _or_empty(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address")


@dataclass(frozen=True, kw_only=True)
class Options:
    """One field per Pulumi key (kebab-case there). Empty text and 0 mean "not wanted" where allowed."""

    function_cpu: Literal["1", "2", "4", "6", "8"] = "1"
    function_memory: Annotated[str, worded(r"[1-9][0-9]{0,5}(Mi|Gi)", "a size such as 512Mi or 2Gi")] = "1Gi"
    function_timeout_seconds: Annotated[int, Field(ge=60, le=3600)] = 1740
    schedule: Annotated[str, AfterValidator(_schedule)] = "0 1 * * *"
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    paused: bool = False
    # Who may see the views without texts, and who may read everything: two groups, because messages are personal.
    viewers_group: Annotated[str, EMAIL] = ""
    readers_group: Annotated[str, EMAIL] = ""
    partition_expiration_days: Annotated[int, Field(ge=0, le=36500)] = 0
    kms_key: Annotated[
        str, _or_empty(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+", "projects/…/cryptoKeys/…")
    ] = ""
    vpc_connector: Annotated[
        str, _or_empty(r"projects/[^/]+/locations/[^/]+/connectors/[^/]+", "projects/…/locations/…/connectors/…")
    ] = ""
    vpc_network: Annotated[str, _or_empty(r"projects/[^/]+/global/networks/[^/]+", "projects/…/global/networks/…")] = ""
    vpc_subnet: Annotated[
        str, _or_empty(r"projects/[^/]+/regions/[^/]+/subnetworks/[^/]+", "projects/…/regions/…/subnetworks/…")
    ] = ""
    vpc_egress: Literal["private-ranges-only", "all-traffic"] = "private-ranges-only"
    labels: Annotated[str, AfterValidator(_labels)] = ""
    notification_email: Annotated[str, EMAIL] = ""
    notification_channels: Annotated[str, AfterValidator(_channels)] = ""
    # A day, the hour that summer time adds when it ends, and five for retries and a late start.
    alert_no_success_hours: Annotated[int, Field(ge=0, le=8784)] = 30
    alert_partial_runs: Annotated[int, Field(ge=0, le=30)] = 3
    alert_reject_percent: Annotated[int, Field(ge=0, le=99)] = 1

    @property
    def extra_labels(self) -> dict[str, str]:
        """`labels` as a mapping."""
        return dict(pair.split("=", 1) for pair in self.labels.split(",") if pair)

    @property
    def channels(self) -> list[str]:
        """`notification_channels` as a list."""
        return [name for name in self.notification_channels.split(",") if name]

    @property
    def memory_mebibytes(self) -> int:
        """`function_memory` in MiB."""
        return int(self.function_memory[:-2]) * (1024 if self.function_memory.endswith("Gi") else 1)
