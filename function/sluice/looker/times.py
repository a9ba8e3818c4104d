"""Moments, in the forms that stores of messages hold them in: all of them read as what they are."""

import re
from datetime import UTC, datetime, timedelta

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"\d{9,20}(?:\.\d+)?")
_NAMED_ZONE = re.compile(r"\s+(?:UTC|GMT|Z)$", re.IGNORECASE)
_SPACED_OFFSET = re.compile(r"\s+(?=[+-]\d{2}:?\d{2}$)")
_RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:(\.\d{1,6})\d*)?(Z|[+-]\d\d:\d\d)")
# From which number of units since 1970 on a number counts as such, and what makes microseconds of it: each unit takes
# over where the one before it would have reached the year 5138. Less than 100,000,000 is no moment of Looker's.
_UNITS = ((10**17, 0.001), (10**14, 1), (10**11, 10**3), (10**8, 10**6))


def timestamp(value: object) -> datetime | None:
    """The moment in UTC, or None where there is none to read.

    Read are RFC 3339 with Z, an offset or neither (UTC), the same with `UTC` behind it, a date alone, numbers of
    seconds, milliseconds, microseconds or nanoseconds since 1970 (as text, too), and protobuf's `{seconds, nanos}`.
    """
    try:
        if isinstance(value, str):
            return _of_text(value.strip())
        if isinstance(value, dict):
            return _of_protobuf(value)
        return _since_1970(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None


def readable(value: object) -> object:
    """The moment as RFC 3339 text of at most microseconds, which BigQuery reads; what is none comes back as it is."""
    if isinstance(value, str) and (match := _RFC_3339.fullmatch(value)):
        return f"{match[1]}{match[2] or ''}{match[3]}"
    moment = timestamp(value)
    return value if moment is None else moment.isoformat().replace("+00:00", "Z")


def _of_text(text: str) -> datetime | None:
    if _NUMBER.fullmatch(text):
        return _since_1970(float(text) if "." in text else int(text))
    if " " in text:
        text = _SPACED_OFFSET.sub("", _NAMED_ZONE.sub("+00:00", text))
    parsed = datetime.fromisoformat(text)
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _since_1970(number: float) -> datetime | None:
    for least, factor in _UNITS:
        if least <= number < least * 1000:
            microseconds = number // 1000 if factor == 0.001 else number * factor
            return _BEGINNING + timedelta(microseconds=round(microseconds))
    return None


def _of_protobuf(parts: dict[object, object]) -> datetime | None:
    seconds = _whole(parts.get("seconds", parts.get("_seconds")))
    nanos = _whole(parts.get("nanos", parts.get("_nanoseconds", 0)))
    if seconds is None or nanos is None:
        return None
    return _BEGINNING + timedelta(seconds=seconds, microseconds=nanos // 1000)


def _whole(value: object) -> int | None:
    """A 64-bit integer: a number, its text, or the two halves of it that JavaScript needs."""
    if isinstance(value, dict):
        low, high = value.get("low"), value.get("high")
        return (high << 32) + (low & 0xFFFFFFFF) if isinstance(low, int) and isinstance(high, int) else None
    if isinstance(value, str):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
