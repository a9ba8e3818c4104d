"""The workflows: what is copied for CI, and the project's own."""

import re
from typing import Any

import pytest
import yaml

from infra.definitions import ROOT

WORKFLOWS = ("docs/ci/deploy.yml", ".github/workflows/checks.yml")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def read(name: str) -> dict[Any, Any]:
    content: dict[Any, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return content


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in read(name)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_command_exists(name: str) -> None:
    for step in steps(name):
        for target in re.findall(r"make ([a-z-]+)", step.get("run", "")):
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
        if step.get("run", "").startswith(".ci/"):
            assert (ROOT / step["run"]).is_file()


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_cli_is_installed_before_it_is_used(name: str) -> None:
    found = steps(name)
    installs = [n for n, step in enumerate(found) if step.get("uses", "").startswith("pulumi/actions@")]
    runs = [n for n, step in enumerate(found) if "run" in step]
    assert len(installs) == 1
    assert installs[0] < min(runs)


def test_a_pull_request_is_previewed_and_main_is_deployed_one_at_a_time_without_a_key() -> None:
    commands = {step["run"]: step.get("if", "") for step in steps(WORKFLOWS[0]) if "run" in step}
    assert "pull_request" in commands["make preview ARGS=--diff"]
    assert "push" in commands["make up ARGS=--yes"]
    workflow = read(WORKFLOWS[0])
    assert workflow["concurrency"]["cancel-in-progress"] is False
    assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
    assert not re.search(r"credentials_json|private_key", (ROOT / WORKFLOWS[0]).read_text(encoding="utf-8"))
