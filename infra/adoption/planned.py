"""What the program would create: what belongs to the stack and is not in its state."""

from dataclasses import dataclass
from typing import Any

from pulumi import automation as auto
from pulumi.automation.errors import CommandError

CLOUD = "gcp:"


class Refused(Exception):
    """It cannot go on; says what to do."""


@dataclass(frozen=True)
class Planned:
    """A resource of the provider that the program would create. `inputs`: what is not known yet is UNKNOWN."""

    urn: str
    kind: str
    name: str
    parent: str
    inputs: dict[str, Any]

    @property
    def component(self) -> str:
        """Name of the component it is part of."""
        return name_of(self.parent)

    @property
    def address(self) -> str:
        """Component and name, as a person reads them."""
        return f"{self.component}/{self.name}"


def name_of(urn: str) -> str:
    """Last part of an address."""
    return urn.rsplit("::", 1)[-1]


def planned(stack: auto.Stack) -> list[Planned]:
    """Everything the program would create now.

    Raises:
        Refused: the program or the engine says no; with its own words.
    """
    found: list[Planned] = []

    def see(event: auto.EngineEvent) -> None:
        step = event.resource_pre_event
        if step and step.metadata.op == auto.OpType.CREATE and step.metadata.new:
            new = step.metadata.new
            if new.type.startswith(CLOUD):
                found.append(Planned(new.urn, new.type, name_of(new.urn), new.parent, dict(new.inputs or {})))

    try:
        stack.preview(on_event=see, on_output=quiet)
    except CommandError as error:
        raise Refused(last_words(error)) from error
    return found


def quiet(line: str) -> None:
    """What the CLI prints meanwhile is not repeated; what went wrong is, by `last_words`."""


def last_words(error: CommandError) -> str:
    """The errors that the CLI told, without what it printed before."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line.startswith(("error:", "- ", "warning:"))]
    return "\n".join(dict.fromkeys(told)) or "\n".join(lines[-5:])
