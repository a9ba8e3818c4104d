"""What a killed process of the CLI leaves: a lock, and operations that began and have no end."""

import os
import re
from collections.abc import Callable
from contextlib import suppress

from pulumi import automation as auto
from pulumi.automation.errors import CommandError, ConcurrentUpdateError

from infra.adoption import state
from infra.adoption.planned import Refused, last_words, name_of, quiet

LOCK = re.compile(r"created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")

type Say = Callable[[str], None]


def mend(stack: auto.Stack, say: Say, *, carry_out: bool) -> None:
    """Tell of pending operations; when it is carried out, clear them and let the state follow Google.

    Raises:
        Refused: the stack is locked by a process that may be alive, or Google did not answer.
    """
    pending = (state.export(stack).get("deployment") or {}).get("pending_operations") or []
    for operation in pending:
        say(f"An update was interrupted while {operation['type']} {name_of(operation['resource']['urn'])}.")
    if pending and carry_out:
        unlocked(stack, say, lambda: stack.refresh(clear_pending_creates=True, on_output=quiet))


def unlocked(stack: auto.Stack, say: Say, act: Callable[[], object]) -> None:
    """Do something that needs the stack's lock; a lock of a process that is gone is removed.

    Raises:
        Refused: the lock is somebody's, or the command failed.
    """
    try:
        try:
            act()
        except ConcurrentUpdateError as error:
            locks = list(LOCK.finditer(str(error)))
            for lock in locks:
                who = f"{lock['user']}@{lock['host']}"
                say(f"The stack is locked by process {lock['pid']} of {who} since {lock['since']}.")
            if not locks or not all(_is_gone(lock["host"], int(lock["pid"])) for lock in locks):
                raise Refused("when you know that this process is gone: pulumi cancel, then make adopt") from error
            say("That process is gone: its lock is removed.")
            stack.cancel()
            act()
    except CommandError as error:
        raise Refused(last_words(error)) from error


def _is_gone(host: str, pid: int) -> bool:
    if host != os.uname().nodename:
        return False
    with suppress(PermissionError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
    return False
