"""The state as the CLI exports it: secrets stay encrypted, in memory and on disk."""

import json
import tempfile
from pathlib import Path
from typing import Any

from pulumi import automation as auto


def export(stack: auto.Stack) -> dict[str, Any]:
    """Whole export of the stack; `deployment` holds `resources` and `pending_operations`, where there are some."""
    exported: dict[str, Any] = json.loads(_run(stack, "export"))
    return exported


def resources(stack: auto.Stack) -> list[dict[str, Any]]:
    """What is in the state."""
    return (export(stack).get("deployment") or {}).get("resources") or []


def replace(stack: auto.Stack, exported: dict[str, Any]) -> None:
    """Make this the state."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.json"
        file.write_text(json.dumps(exported), encoding="utf-8")
        _run(stack, "import", "--file", str(file))


def _run(stack: auto.Stack, *arguments: str) -> str:
    workspace = stack.workspace
    command = ["stack", *arguments, "--stack", stack.name]
    return workspace.pulumi_command.run(command, workspace.work_dir, workspace.env_vars).stdout
