"""Who and what the conversations are about: users, agents and explores."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Standing(StrEnum):
    """What `login_user` makes of a user: active 200, disabled 403, deleted 404."""

    ACTIVE = "active"
    DISABLED = "disabled"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class User:
    """One Looker user; System Activity shows them from `visible_from` on, the API at once."""

    id: int
    email: str
    standing: Standing
    visible_from: datetime
    weight: float

    @property
    def key(self) -> str:
        """The id as the API writes it: text."""
        return str(self.id)


@dataclass(frozen=True, slots=True)
class Explore:
    """One explore: its fields by name, the first is the dimension, the others measures."""

    model: str
    name: str
    fields: tuple[str, ...]

    @property
    def source(self) -> dict[str, str]:
        """`{model, explore}`, the shape of `Conversation.sources`."""
        return {"model": self.model, "explore": self.name}


EXPLORES = (
    Explore("thelook", "order_items", ("users.country", "order_items.total_sale_price", "order_items.count")),
    Explore("thelook", "events", ("events.traffic_source", "events.count", "events.unique_visitors")),
    Explore("finance", "invoices", ("invoices.due_month", "invoices.total_amount", "invoices.overdue_count")),
    Explore("support", "tickets", ("tickets.priority", "tickets.count", "tickets.median_hours_to_close")),
)

AGENT_NAMES = ("Sales agent", "Web analytics", "Finance «clôture»", "Support desk", "Everything agent")


def make_user(index: int, visible_from: datetime) -> User:
    """The user at place `index`: the first holds many conversations, some are disabled, deleted or idle."""
    standing = Standing.ACTIVE
    if index % 6 == 3:
        standing = Standing.DISABLED
    elif index % 8 == 6:
        standing = Standing.DELETED
    weight = 0.0 if index % 12 == 10 else 1 / (1 + index % 7)
    return User(12 + 7 * index, f"user{index}@example.com", standing, visible_from, weight)


def make_agent(index: int, created: datetime) -> dict[str, Any]:
    """An Agent as the API describes it (spec 4.0.26.12, and `is_lookml` and its kin of 26.22)."""
    explore = EXPLORES[index % len(EXPLORES)]
    instructions = f"Use {explore.fields[1]} unless asked otherwise. Say which dates you used.\n" * (4 + 3 * index)
    moment = created.isoformat(timespec="milliseconds")
    return {
        "id": f"{0xA9B6933C74A045DE9ED130AD024CCA00 + index:032x}",
        "name": AGENT_NAMES[index],
        "description": "",
        "category": "conversation",
        "created_by_user_id": "1",
        "created_by_name": "Ann Lee",
        "sources": [explore.source],
        "context": {"instructions": instructions, "show_analytical_details": True, "show_debug": index % 2 == 1},
        "code_interpreter": index % 2 == 0,
        "golden_query_ids": [100 + index],
        "golden_queries": [{"id": 100 + index, "questions": [f"Total {explore.fields[1]}?"], "is_active": True}],
        "deleted": False,
        "created_at": moment,
        "updated_at": moment,
        "has_inaccessible_source": False,
        "content_metadata_id": str(812 + index),
        "studio_agent_id": None,
        "workflow_params": None,
        "is_lookml": False,
        "lookml_agent_id": None,
        "lookml_edit_uri": None,
    }
