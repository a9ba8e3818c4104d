"""The real Pulumi engine over the stand-in for Google: stacks in folders of their own, the program in this process."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pulumi import automation as auto
from pulumi.automation.errors import CommandError

from infra.adoption import state
from infra.definitions import ROOT
from infra.program import deploy
from tests.engine.google import Google
from tests.infra.recorder import SECRET_KEYS

PROJECT = "sluice"
PASSPHRASE = "no secret: it encrypts what is made up"

NO_SUMMARY = auto.UpdateSummary("update", datetime.fromtimestamp(0, UTC), "", {}, {}, "")

type Change = tuple[str, str]


@dataclass
class Outcome:
    """What an operation did.

    Attributes:
        changes: (operation, component/name) of every resource that was not left as it is, in the order they began.
        text: all that the CLI printed.
        error: the operation failed.
    """

    changes: list[Change] = field(default_factory=list)
    text: str = ""
    error: bool = False

    def of(self, operation: str) -> set[str]:
        """Addresses with one operation."""
        return {address for found, address in self.changes if found == operation}


class Stack:
    """One stack of the program; every operation is a run of the CLI."""

    def __init__(self, inner: auto.Stack) -> None:
        # After each operation the SDK runs the CLI three times more, for outputs and history that no test here reads.
        inner.outputs = lambda: {}  # type: ignore[method-assign]
        inner.info = lambda *_: NO_SUMMARY  # type: ignore[method-assign]
        self.inner = inner
        self.events: list[str] = []

    def configure(self, values: Mapping[str, str]) -> None:
        """Set keys; the two secrets as secrets."""
        self.inner.set_all_config({k: auto.ConfigValue(v, secret=k in SECRET_KEYS) for k, v in values.items()})

    def forget(self, *keys: str) -> None:
        """Unset keys."""
        self.inner.remove_all_config(list(keys))

    def preview(self, **options: Any) -> Outcome:
        return self._run(self.inner.preview, **options)

    def up(self, **options: Any) -> Outcome:
        return self._run(self.inner.up, **options)

    def refresh(self, **options: Any) -> Outcome:
        return self._run(self.inner.refresh, **options)

    def destroy(self, **options: Any) -> Outcome:
        """As `make destroy`."""
        return self._run(self.inner.destroy, exclude_protected=True, **options)

    def exported(self) -> Any:
        return state.export(self.inner).get("deployment") or {}

    def addresses(self) -> set[str]:
        """What is in the state: component/name, components left out."""
        return {
            f"{r['parent'].rsplit('::', 1)[-1]}/{r['urn'].rsplit('::', 1)[-1]}"
            for r in self.exported().get("resources", [])
            if r["type"].startswith("gcp:")
        }

    def _run(self, operation: Callable[..., Any], **options: Any) -> Outcome:
        outcome, lines = Outcome(), []

        def see(event: auto.EngineEvent) -> None:
            self.events.append(str(event))
            if event.resource_pre_event:
                step = event.resource_pre_event.metadata
                state = step.new or step.old
                if (
                    state
                    and str(step.type).startswith("gcp:")
                    and step.op not in {auto.OpType.SAME, auto.OpType.REFRESH}
                ):
                    address = f"{state.parent.rsplit('::', 1)[-1]}/{step.urn.rsplit('::', 1)[-1]}"
                    outcome.changes.append((step.op.value, address))

        try:
            operation(on_event=see, on_output=lines.append, on_error=lines.append, **options)
        except CommandError as error:
            outcome.error = True
            lines.append(str(error))
        outcome.text = "\n".join(lines)
        return outcome


class Engine:
    """Where stacks live: a home of the CLI, a backend in files, and the Google they all see."""

    def __init__(self, folder: Path, google: Google, port: int) -> None:
        self.folder, self.google = folder, google
        self.environment = {
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder}/state",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DEBUG_PROVIDERS": f"gcp:{port}",
        }
        for name in ("home", "state", "project/infra", "bin"):
            (folder / name).mkdir(parents=True)
        if shutil.which("pulumi-language-python") is None:
            self._host(folder / "bin/pulumi-language-python")
        shutil.copy(ROOT / "Pulumi.yaml", folder / "project/Pulumi.yaml")

    def _host(self, path: Path) -> None:
        """A language host of our own, for `pulumi import`, which asks for one and hardly uses it."""
        host = Path(__file__).with_name("language_host.py")
        path.write_text(f'#!/bin/sh\nexec {sys.executable} {host} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
        self.environment["PATH"] = f"{path.parent}{os.pathsep}{os.environ['PATH']}"

    def stack(self, root: Path, name: str = "prod", program: Callable[[], None] | None = None) -> Stack:
        """A stack of the program over the checkout `root`; the same one for the same name."""
        options = auto.LocalWorkspaceOptions(work_dir=str(self.folder / "project"), env_vars=dict(self.environment))
        run = program or (lambda: deploy(root))
        return Stack(auto.create_or_select_stack(stack_name=name, project_name=PROJECT, program=run, opts=options))

    def command(self, *arguments: str, stack: str = "prod") -> str:
        """Run the CLI as a person would, on a stack; what it prints."""
        done = subprocess.run(
            ["pulumi", *arguments, "--stack", stack, "--non-interactive"],
            cwd=self.folder / "project",
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def lose_state(self) -> None:
        """As a bucket that was deleted: the configuration stays, the state is gone."""
        shutil.rmtree(self.folder / "state")
        (self.folder / "state").mkdir()

    def kill_at(self, n: int, verb: str, number: int = signal.SIGKILL) -> Callable[[str, str], None]:
        """A fault: at the n-th call of a verb the CLI is killed; Google, which heard the call, carries it out."""
        seen: list[str] = []

        def fault(found: str, name: str) -> None:
            if found == verb:
                seen.append(name)
                if len(seen) == n:
                    for pid in cli_processes(self.folder):
                        os.kill(pid, number)

        return fault


def cli_processes(folder: Path) -> Iterator[int]:
    """Processes of the CLI whose home is below `folder`."""
    for found in Path("/proc").glob("[0-9]*"):
        try:
            command = (found / "cmdline").read_bytes().split(b"\0")[0]
            mine = f"PULUMI_HOME={folder}/".encode() in (found / "environ").read_bytes()
        except OSError:
            continue
        if mine and Path(command.decode()).name == "pulumi":
            yield int(found.name)


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables of this process, for what starts the CLI or the provider by itself."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
