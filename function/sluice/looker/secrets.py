"""Secrets in what is about to be stored, told by what they are: credentials, tokens, requests to the model.

A secret is a text or an object under the name of one, or a text that has the form of one, wherever it lies. Numbers are
none (token counts), and neither is a text that only mentions the word.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from sluice.looker import lenient

type Json = Any

DROPPED = "[dropped: a secret]"
MAX_OPENINGS = 50
"""Places in one text where JSON may begin that are tried."""
MAX_DEEP_TEXTS = 8
"""Levels of JSON text inside JSON text that are read."""

_ENDINGS = (
    *("token", "secret", "secrets", "password", "passwd", "credential", "credentials", "oauth"),
    *("authorization", "apikey", "privatekey", "secretkey", "accesskey", "signingkey", "debuginfo"),
)
_HARMLESS = ("pagetoken", "stoptoken", "synctoken")
"""Where a list goes on, or a text ends."""
# Any name above, and any form below, holds one of these once case, underscores, hyphens and blanks are gone.
_STEMS = (*(b"token", b"secret", b"passw", b"credential", b"auth", b"key", b"debuginfo", b"bearer", b"ya29.", b"eyj"),)
_LOWER = bytes.maketrans(bytes(range(ord("A"), ord("Z") + 1)), bytes(range(ord("a"), ord("z") + 1)))
_BETWEEN = b"_- \t\\"

_NAME = r"[\w-]{0,40}(?:token|secret|password|api[_-]?key|private[_-]?key|access[_-]?key|credentials?|auth)"
_FORMS = re.compile(
    # Google's access tokens, tokens in headers, signed tokens (JWT), keys in PEM.
    r"\bya29\.[\w.-]{6,}"
    r"|\bBearer\s+(?=[^\s\d]*\d)[\w.~+/=-]{12,}"
    r"|(?i:\bAuthorization[\"']?\s*[:=]\s*[\"']?(?:Bearer|Basic|token)\s+[\w.~+/=-]{6,})"
    r"|\beyJ[\w-]{8,4000}\.[\w-]{8,4000}(?:\.[\w-]*)?"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_IN_URLS = re.compile(rf"(?<=[?&;])({_NAME}=)[^&;\s\"'<>]+", re.IGNORECASE)
# `"name": value` of a JSON that is cut off or stands in other words, however often its quotes are escaped.
_IN_TEXTS = re.compile(r"""(\\{0,64}["'])([\w-]{3,64})\1\s*:\s*(?=[\\"'{\[])""")
# Where JSON may begin inside a text: an object, an array, or a text that holds one.
_OPENING = re.compile(r"[{\[]|\"(?=\s*[{\[])")
_SPACE_IN_NAMES = str.maketrans("", "", "_- ")


def may_hold(text: bytes) -> bool:
    """Whether JSON text may hold a secret: quick, and wrong only in that it says yes of what mentions one."""
    plain = text.translate(_LOWER, _BETWEEN)
    return any(stem in plain for stem in _STEMS)


def drop(value: Json) -> bool:
    """Take every secret out of decoded JSON, in place, however deep it is; whether there was any."""
    return _drop(value, 0)


def _drop(value: Json, depth: int) -> bool:
    found = False
    todo = [value]
    while todo:
        parent = todo.pop()
        if isinstance(parent, dict):
            for name in [name for name, member in parent.items() if _is_secret(name, member)]:
                del parent[name]
                found = True
            found = _drop_pair(parent) or found
        for key, member in _members(parent):
            if isinstance(member, str):
                if (kept := without(member, depth)) != member:
                    parent[key], found = kept, True
            elif isinstance(member, dict | list):
                todo.append(member)
    return found


def _members(parent: Json) -> Iterator[tuple[Any, Json]]:
    return iter([*parent.items()] if isinstance(parent, dict) else enumerate(parent))


def _is_secret(name: str, value: Json) -> bool:
    return isinstance(value, str | dict | list) and is_name(name)


@lru_cache(maxsize=4096)
def is_name(name: str) -> bool:
    """Whether what has this name is a secret, in any spelling of it. A field of an Explore (`view.token`) is none."""
    plain = name.translate(_SPACE_IN_NAMES).lower()
    return plain.endswith(_ENDINGS) and not plain.endswith(_HARMLESS) and "." not in name


def _drop_pair(pair: dict[str, Json]) -> bool:
    """Headers are often written as `{name, value}`."""
    name = pair.get("name", pair.get("key"))
    if isinstance(name, str) and _is_secret(name, pair.get("value")):
        del pair["value"]
        return True
    return False


def without(text: str, depth: int = 0) -> str:
    """A text without the secrets in it: in JSON that is all of it or part of it, in addresses, or by their form."""
    if len(text) < 8 or not may_hold(text.encode("utf-8", "replace")):
        return text
    if "{" in text or "[" in text:
        text = _without_json(text, depth)
    return _IN_URLS.sub(rf"\1{DROPPED}", _FORMS.sub(DROPPED, _without_rest(text)))


def _without_json(text: str, depth: int) -> str:
    """The text with every JSON in it cleaned; JSON that holds no secret stays as it is written."""
    if depth == MAX_DEEP_TEXTS:
        return DROPPED
    pieces, position = [], 0
    for _ in range(MAX_OPENINGS):
        opening = _OPENING.search(text, position)
        if opening is None:
            break
        try:
            value, end = lenient.DECODER.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            pieces.append(text[position : opening.end()])
            position = opening.end()
            continue
        pieces.append(text[position : opening.start()])
        held = [value]
        pieces.append(_written(held[0]) if _drop(held, depth + 1) else text[opening.start() : end])
        position = end
    return "".join([*pieces, text[position:]])


def _written(value: Json) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (UnicodeEncodeError, RecursionError):
        return DROPPED


def _without_rest(text: str) -> str:
    """What follows the name of a secret in JSON that could not be read, up to the end of that text or of the whole."""
    pieces, position = [], 0
    for match in _IN_TEXTS.finditer(text):
        if match.start() < position or not is_name(match[2]):
            continue
        closing = re.compile(rf"(?<!\\){re.escape(match[1])}").search(text, match.end() + len(match[1]))
        is_text = text.startswith(match[1], match.end()) and closing is not None
        pieces += [text[position : match.end()], f"{match[1]}{DROPPED}{match[1]}"]
        position = closing.end() if is_text and closing is not None else len(text)
    return "".join([*pieces, text[position:]])
