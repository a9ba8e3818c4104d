"""`make adopt`: takes over what Google has and the state has not.

It serves an `up` that was killed, a stack whose data was kept when it was destroyed, and a state that was lost. The
program itself says what belongs to the stack (a preview that would create it); the provider says what exists. Nothing
else is touched, and nothing is taken that carries the labels of another stack, or of none.
"""

import argparse
import sys
from collections.abc import Sequence

from pulumi import automation as auto

from infra.adoption import identities, interrupted
from infra.adoption.planned import Refused, planned, quiet
from infra.adoption.plugin import PluginError
from infra.adoption.takeover import align, take_over
from infra.adoption.verdict import Verdict, judge
from infra.definitions import ROOT
from infra.program import deploy


def adopt(stack: auto.Stack, *, carry_out: bool) -> int:
    """Show what would be taken over, or take it over; 0 when nothing stands in the way of `make up`.

    What is granted to an account has an id once the account is known: so it is done until nothing more is found.

    Raises:
        Refused: the stack is locked by another process, or the program or the engine says no.
        PluginError: the provider cannot be asked.
    """
    interrupted.mend(stack, _say, carry_out=carry_out)
    adopted: list[str] = []
    while True:
        verdicts = judge(stack, planned(stack))
        found = [verdict for verdict in verdicts if verdict.id]
        _list("Taking over" if carry_out else "Would take over", found)
        if not carry_out or not found:
            break
        take_over(stack, found, _say)
        adopted += [verdict.planned.urn for verdict in found]
    left = [verdict for verdict in verdicts if not verdict.id]
    _list("Left", left)
    if carry_out:
        _finish(stack, adopted, left)
    elif found:
        _say("Nothing was changed. To take it over: make adopt ARGS=--yes")
    return 1 if any(verdict.foreign for verdict in left) else 0


def _finish(stack: auto.Stack, adopted: Sequence[str], left: Sequence[Verdict]) -> None:
    """Align what was adopted, once nothing is left that is yet to be made; then say what a preview says."""
    again = [v for v in left if v.planned.kind in identities.MADE_AGAIN or identities.is_grant(v.planned.kind)]
    if adopted and len(again) == len(left):
        align(stack, [*adopted, *(verdict.planned.urn for verdict in again)], _say)
    summary = stack.preview(on_output=quiet).change_summary
    changes = {auto.OpType(op).value: n for op, n in summary.items() if auto.OpType(op) != auto.OpType.SAME}
    if changes:
        _say(f"A preview now says: {', '.join(f'{n} to {op}' for op, n in sorted(changes.items()))}. Next: make up")
    else:
        _say("A preview now changes nothing.")


def _list(title: str, verdicts: Sequence[Verdict]) -> None:
    if verdicts:
        _say(f"{title} ({len(verdicts)}):")
    for verdict in sorted(verdicts, key=lambda v: v.planned.address):
        _say(f"  {verdict.planned.address}: {verdict.id or verdict.why}")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  a command line prints


def selected() -> auto.Stack:
    """The selected stack of this checkout, with the program run in this process.

    Raises:
        Refused: no stack is selected.
    """
    workspace = auto.LocalWorkspace(work_dir=str(ROOT))
    stack = workspace.stack()
    if not stack:
        raise Refused("no stack is selected: pulumi stack select prod")
    options = auto.LocalWorkspaceOptions(work_dir=str(ROOT))
    project = workspace.project_settings().name
    return auto.select_stack(stack_name=stack.name, project_name=project, program=deploy, opts=options)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its status."""
    parser = argparse.ArgumentParser(prog="make adopt", description=__doc__)
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--preview", action="store_true", help="show what would be taken over (the default)")
    way.add_argument("--yes", action="store_true", help="take it over")
    given = parser.parse_args(arguments)
    try:
        return adopt(selected(), carry_out=given.yes)
    except (Refused, PluginError) as error:
        print(f"make adopt stops: {error}", file=sys.stderr)  # noqa: T201  a command line prints
        return 1


if __name__ == "__main__":
    sys.exit(main())
