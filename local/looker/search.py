"""GET /conversations/search: which conversations, in which order, and which page of them."""

from collections.abc import Callable, Iterable, Mapping

from local.looker.answers import Refusal
from local.looker.conversations import Conversation

SORTABLE = ("id", "name", "user_id", "agent_id", "created_at", "updated_at", "category")
# Looker documents no default; a small one shows clients that rely on getting everything.
DEFAULT_LIMIT = 100

Test = Callable[[Conversation], bool]


def search(conversations: Iterable[Conversation], query: Mapping[str, str]) -> list[Conversation]:
    """The page that the query parameters ask for. Raises Refusal (400) for a parameter that makes no sense."""
    wanted = _flag(query, "deleted")
    tests = _tests(query)
    either = any if _flag(query, "filter_or") else all
    found = [
        each for each in conversations if each.deleted == wanted and (not tests or either(test(each) for test in tests))
    ]
    for field, descending in reversed(_sorts(query.get("sorts", ""))):
        found.sort(key=_sort_key(field), reverse=descending)
    offset = _count(query, "offset", 0)
    return found[offset : offset + _count(query, "limit", DEFAULT_LIMIT)]


def _tests(query: Mapping[str, str]) -> list[Test]:
    tests: list[Test] = []
    if ids := query.get("id"):
        tests.append(lambda each: each.id in ids.split(","))
    if name := query.get("name"):
        tests.append(lambda each: each.name == name)
    if categories := query.get("category"):
        tests.append(lambda each: each.category in categories.split(","))
    if agent := query.get("agent_id"):
        tests.append(_agent_test(agent))
    return tests


def _agent_test(agent: str) -> Test:
    if agent == "null":
        return lambda each: each.agent_id is None
    if agent == "not null":
        return lambda each: each.agent_id is not None
    return lambda each: each.agent_id == agent


def _sorts(sorts: str) -> list[tuple[str, bool]]:
    return [_sort(item) for item in sorts.split(",") if item.strip()]


def _sort(item: str) -> tuple[str, bool]:
    field, _, direction = item.strip().partition(" ")
    if field not in SORTABLE or direction not in ("", "asc", "desc"):
        raise Refusal(400, f"sorts: cannot sort by {item.strip()!r}; sortable are {', '.join(SORTABLE)}")
    return field, direction == "desc"


def _sort_key(field: str) -> Callable[[Conversation], tuple[bool, str]]:
    def key(each: Conversation) -> tuple[bool, str]:
        value = getattr(each, field)
        return value is not None, "" if value is None else str(value)

    return key


def _count(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal():
        raise Refusal(400, f"{name}: {text!r} is not a whole number of zero or more")
    return int(text)


def _flag(query: Mapping[str, str], name: str) -> bool:
    text = query.get(name, "false").lower()
    if text not in ("true", "false"):
        raise Refusal(400, f"{name}: {text!r} is neither true nor false")
    return text == "true"
