"""`make preview|up|destroy` say what is missing, and pass on what they are given.

The commands it calls are small scripts here: what they answer is the machine's state, what they write is the record.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from infra.definitions import ROOT

LOG = 'echo "$(basename "$0") $*" >>"$RECORD"\n'
READY = {
    "pulumi": LOG + "case $1 in install) mkdir -p .venv-infra ;; version) echo v3.219.0 ;; esac\n",
    "gcloud": LOG + "echo a-very-secret-access-token\n",
}


class Machine:
    """A checkout and a PATH with nothing but `commands` (name -> shell text) and the usual tools."""

    def __init__(self, folder: Path, commands: dict[str, str], *, policy: bool = True) -> None:
        self.root, bin_, self.record = folder / "checkout", folder / "bin", folder / "record"
        for name in ("infra", "policy"):
            (self.root / name).mkdir(parents=True)
        bin_.mkdir()
        shutil.copy(ROOT / "infra/pulumi.sh", self.root / "infra/pulumi.sh")
        (self.root / "infra/requirements.txt").write_text("")
        os.utime(self.root / "infra/requirements.txt", (0, 0))
        if policy:
            commands = {**commands, "../checkout/.venv-policy/bin/python": ""}
        for tool in ("basename", "dirname", "mkdir", "touch"):
            (bin_ / tool).symlink_to(shutil.which(tool) or tool)
        for name, text in commands.items():
            path = (bin_ / name).resolve()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"#!/bin/sh\n{text}")
            path.chmod(0o755)
        self.environment = {"PATH": str(bin_), "RECORD": str(self.record)}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = ["/bin/sh", str(self.root / "infra/pulumi.sh"), *arguments]
        return subprocess.run(
            command, env={**self.environment, **environment}, capture_output=True, text=True, check=False
        )

    @property
    def calls(self) -> list[str]:
        return self.record.read_text().splitlines() if self.record.exists() else []


def answering(command: str) -> str:
    """A pulumi that fails at one of its commands."""
    return READY["pulumi"] + f'if [ "$1" = {command} ]; then exit 1; fi\n'


@pytest.mark.parametrize(
    ("commands", "policy", "message"),
    [
        ({}, True, "the Pulumi CLI is not installed"),
        ({**READY, "pulumi": answering("whoami")}, True, "not logged in to a Pulumi backend"),
        ({**READY, "pulumi": answering("stack")}, True, "no stack is selected"),
        ({"pulumi": READY["pulumi"]}, True, "no gcloud to get some"),
        ({**READY, "gcloud": "exit 1\n"}, True, "gcloud auth application-default login"),
        (READY, False, "make .venv-policy/ready"),
        ({**READY, "pulumi": "echo v3.218.4\n"}, True, "the Pulumi CLI is v3.218.4 and must be 3.219.0 or later"),
        ({**READY, "pulumi": "echo v2.300.0\n"}, True, "the Pulumi CLI is v2.300.0 and must be"),
    ],
)
@pytest.mark.parametrize("command", ["preview", "up"])
def test_what_is_missing_is_said_and_nothing_is_deployed(
    tmp_path: Path, command: str, commands: dict[str, str], policy: bool, message: str
) -> None:
    machine = Machine(tmp_path, commands, policy=policy)
    done = machine.run(command)
    assert done.returncode == 1
    assert done.stderr.startswith(f"make {command} cannot start: ")
    assert message in done.stderr
    assert not [call for call in machine.calls if call.startswith(f"pulumi {command}")]


@pytest.mark.parametrize("command", ["preview", "up"])
def test_a_complete_machine_installs_once_and_deploys_under_the_policies(tmp_path: Path, command: str) -> None:
    machine = Machine(tmp_path, READY)
    for _ in range(2):
        done = machine.run(command, "--diff")
        assert (done.returncode, done.stderr) == (0, "")
        assert "a-very-secret" not in done.stdout
    assert machine.calls.count("pulumi install") == 1
    assert machine.calls.count(f"pulumi {command} --policy-pack policy --diff") == 2


def test_new_requirements_are_installed(tmp_path: Path) -> None:
    machine = Machine(tmp_path, READY)
    machine.run("preview")
    os.utime(machine.root / "infra/requirements.txt", (4e9, 4e9))
    machine.run("preview")
    assert machine.calls.count("pulumi install") == 2


def test_the_program_gets_the_python_of_the_checkout(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {**READY, "pulumi": READY["pulumi"] + 'echo "$PULUMI_PYTHON_CMD"\n'})
    python = machine.root / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.touch(0o755)
    assert machine.run("preview").stdout.splitlines()[-1] == str(python)
    assert machine.run("preview", PULUMI_PYTHON_CMD="mine").stdout.splitlines()[-1] == "mine"


def test_credentials_of_the_environment_need_no_gcloud(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"pulumi": READY["pulumi"]})
    assert machine.run("preview", GOOGLE_APPLICATION_CREDENTIALS="/key.json").returncode == 0


def test_destroying_says_what_is_protected(tmp_path: Path) -> None:
    machine = Machine(tmp_path, READY, policy=False)
    done = machine.run("destroy", "--yes")
    assert done.returncode == 0
    assert "protected" in done.stdout
    assert machine.calls[-1] == "pulumi destroy --exclude-protected --yes"


def test_the_floor_is_that_of_the_project_file() -> None:
    floor = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["requiredPulumiVersion"]
    script = (ROOT / "infra/pulumi.sh").read_text()
    major, minor = (re.search(rf"^FLOOR_{part}=(\d+)$", script, re.MULTILINE) for part in ("MAJOR", "MINOR"))
    assert major
    assert minor
    assert floor == f">={major[1]}.{minor[1]}.0"


@pytest.mark.parametrize("version", ["v3.219.0", "v3.300.1-alpha.1", "v4.0.0", "3.220.0-dev"])
def test_a_version_at_the_floor_or_above_is_let_through(tmp_path: Path, version: str) -> None:
    machine = Machine(tmp_path, {**READY, "pulumi": READY["pulumi"].replace("v3.219.0", version)})
    assert machine.run("preview").returncode == 0


def test_adopting_runs_in_the_checkout_with_what_it_is_given(tmp_path: Path) -> None:
    python = {"../checkout/.venv/bin/python": LOG + 'echo "$PYTHONPATH"\n'}
    machine = Machine(tmp_path, {**READY, **python}, policy=False)
    done = machine.run("adopt", "--yes")
    assert done.stdout.strip() == f"{machine.root}:{machine.root}/function"
    assert machine.calls[-1] == "python -m infra.adopt --yes"


def test_a_failed_installation_is_not_taken_for_done(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {**READY, "pulumi": answering("install")})
    assert machine.run("up").returncode == 1
    assert not [call for call in machine.calls if call.startswith("pulumi up")]


@pytest.mark.parametrize("arguments", [(), ("refresh",)])
def test_any_other_command_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = Machine(tmp_path, READY).run(*arguments)
    assert done.returncode == 2
    assert "usage: " in done.stderr
