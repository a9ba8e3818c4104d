"""The id of a user as System Activity and the API write it: number, text, or a number formatted for people."""

import re
import unicodedata

from sluice.looker.session import USER_ID

# `1,234`, `1 234`, `1'234`. A point is none of them: `1.234` may be a fraction, and no id then.
_GROUPED = re.compile(r"[1-9]\d{0,2}([,' ])\d{3}(?:\1\d{3})*(?=\Z|\.)")
_WHOLE = re.compile(r"(\d+)\.00?")
# Beyond it, a float is no longer the number that was written.
_EXACT = 2**53


def user_id(value: object) -> str | None:
    """The id as text, None where there is none or it could be more than one.

    `8`, `8.0`, `"8.0"`, `"8.00"`, `" 8 "`, `"1,234"`, `"1 234"` and digits of other scripts are read. `"8.000"` is not:
    it is eight or eight thousand.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = int(value) if value.is_integer() and abs(value) < _EXACT else None
    if isinstance(value, int):
        return _known(str(value)) if value >= 0 else None
    return _known(_plain(value)) if isinstance(value, str) else None


def _plain(text: str) -> str:
    # Wide digits and no-break spaces become plain ones.
    text = unicodedata.normalize("NFKC", text).strip()
    text = "".join(str(unicodedata.decimal(each, each)) for each in text).replace("\u2019", "'")
    text = _GROUPED.sub(lambda found: re.sub(r"\D", "", found[0]), text) if _GROUPED.match(text) else text
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def _known(text: str) -> str | None:
    return text if USER_ID.fullmatch(text) else None
