"""GET /users/search: the accounts of the instance, as an admin sees them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from local.looker.answers import Refusal
from local.looker.cast import Standing, User

SORTABLE = ("id", "email", "is_disabled")
# Looker documents no default; a small one shows clients that rely on getting everything.
DEFAULT_LIMIT = 100

type Account = dict[str, Any]
type Test = Callable[[Account], bool]


def search(users: Iterable[User], query: Mapping[str, str], admin_id: str) -> list[Account]:
    """The page that the query parameters ask for: deleted users are gone, disabled ones are not; the admin is one, too.

    Raises Refusal (400) for a parameter that makes no sense.
    """
    admin = _account(admin_id, "admin@example.com", disabled=False)
    others = (
        _account(each.key, each.email, disabled=each.standing is Standing.DISABLED)
        for each in users
        if each.standing is not Standing.DELETED
    )
    tests = _tests(query)
    either = any if _flag("filter_or", query.get("filter_or", "false")) else all
    found = [each for each in (admin, *others) if not tests or either(test(each) for test in tests)]
    for item in reversed([item.strip() for item in query.get("sorts", "id").split(",") if item.strip()]):
        field, _, direction = item.partition(" ")
        if field not in SORTABLE or direction not in ("", "asc", "desc"):
            raise Refusal(400, f"sorts: cannot sort by {item!r}")
        found.sort(key=lambda each, field=field: _key(each[field]), reverse=direction == "desc")  # type: ignore[misc]
    offset = _count(query, "offset", 0)
    page = found[offset : offset + _count(query, "limit", DEFAULT_LIMIT)]
    names = [name.strip() for name in query.get("fields", "").split(",") if name.strip()]
    return [{name: each[name] for name in names if name in each} for each in page] if names else page


def _account(key: str, email: str, *, disabled: bool) -> Account:
    shown = {"id": key, "email": email, "display_name": email.partition("@")[0]}
    return {"can": {}, **shown, "is_disabled": disabled, "is_service_account": False, "credentials_embed": []}


def _tests(query: Mapping[str, str]) -> list[Test]:
    tests: list[Test] = []
    if ids := query.get("id"):
        tests.append(lambda each: each["id"] in ids.split(","))
    if email := query.get("email"):
        tests.append(lambda each: each["email"] == email)
    if disabled := query.get("is_disabled"):
        wanted = _flag("is_disabled", disabled)
        tests.append(lambda each: each["is_disabled"] is wanted)
    if (embed := query.get("embed_user")) and _flag("embed_user", embed):
        tests.append(lambda each: bool(each["credentials_embed"]))
    return tests


def _key(value: Any) -> tuple[int, str]:
    """Ids are numbers, written as text."""
    text = str(value)
    return (int(text), "") if text.isdecimal() else (0, text)


def _flag(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise Refusal(400, f"{name}: {text!r} is neither true nor false")
    return text.lower() == "true"


def _count(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal():
        raise Refusal(400, f"{name}: {text!r} is not a whole number of zero or more")
    return int(text)
