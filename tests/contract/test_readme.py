"""The README's commands exist, and its two first ones are all a newcomer needs."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
MAKE = re.compile(r"\bmake ([a-z][a-z-]*)")


def _commands(page: Path) -> set[str]:
    text = page.read_text()
    quoted = "\n".join(re.findall(r"`([^`\n]+)`", text))
    return set(MAKE.findall("\n".join(BLOCK.findall(text)) + "\n" + quoted))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_command_named_exists(page: Path) -> None:
    for target in sorted(_commands(page)):
        dry = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert dry.returncode == 0, f"{page.name}: make {target}: {dry.stderr}"


def test_the_first_two_commands_are_demo_and_test() -> None:
    blocks = [block.strip() for block in BLOCK.findall((ROOT / "README.md").read_text())]
    assert blocks[:2] == ["make demo", "make test"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_help_lists_every_command() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split():
        assert f"make {target} " in shown
