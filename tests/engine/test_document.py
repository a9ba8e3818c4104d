"""The commands of `docs/deploy.md` exist, with their options; those that change something are run elsewhere here."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from infra.definitions import ROOT
from tests.infra.golden import DOCUMENT

TEXT = DOCUMENT.read_text(encoding="utf-8")
COMMAND = re.compile(
    r"^((?:make|pulumi) [^#`\n|]+)|`((?:make|pulumi) [^`]+)`|\$\(((?:make|pulumi) [^)]+)\)", re.MULTILINE
)


def commands(tool: str) -> list[str]:
    found = {next(filter(None, match.groups())).strip() for match in COMMAND.finditer(TEXT)}
    return sorted(command for command in found if command.split()[0] == tool)


def words(command: str) -> Iterator[str]:
    """The words that name a command of the CLI: those before the first option or argument."""
    for word in command.split()[1:]:
        if not re.fullmatch(r"[a-z-]+", word) or word.startswith("-"):
            return
        yield word


@pytest.mark.parametrize("command", commands("pulumi"))
def test_a_command_of_the_cli_exists_with_its_options(command: str) -> None:
    named = list(words(command))
    while named:
        done = subprocess.run(["pulumi", *named, "--help"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and f"pulumi {' '.join(named)}" in done.stdout:
            break
        named.pop()
    assert named, command
    for option in re.findall(r"(--[a-z-]+)", command):
        assert option in done.stdout, command


@pytest.mark.parametrize("command", commands("make"))
def test_a_target_of_make_exists(command: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    target = re.escape(command.split()[1])
    assert re.search(rf"^{target}:|^\.venv.*{target}", makefile, re.MULTILINE), command
    if "ARGS=" in command:
        assert re.search(rf"^{target}:.*\n\t.*\$\(ARGS\)", makefile, re.MULTILINE), command


def test_there_are_commands() -> None:
    assert len(commands("pulumi")) > 8
    assert {"make preview", "make up", "make adopt", "make destroy"} <= set(commands("make"))
