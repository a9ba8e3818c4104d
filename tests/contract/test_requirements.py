"""The compiled requirements are those of pyproject.toml: exact versions with hashes, nothing stale or forgotten."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
FILES = {"function": "function/requirements.txt", "infra": "infra/requirements.txt", "dev": "requirements-dev.txt"}
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", re.MULTILINE)


def _group(name: str) -> list[Requirement]:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    found: list[Requirement] = []
    for item in groups[name]:
        found += _group(item["include-group"]) if isinstance(item, dict) else [Requirement(item)]
    return found


def _pins(name: str) -> dict[str, Version]:
    text = (ROOT / FILES[name]).read_text()
    return {canonicalize_name(package): Version(version) for package, version in PIN.findall(text)}


@pytest.mark.parametrize("name", FILES)
def test_every_dependency_is_pinned_within_its_range(name: str) -> None:
    pins = _pins(name)
    for requirement in _group(name):
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement.name} is not in {FILES[name]}: run `make requirements`"
        assert pin in requirement.specifier, f"{requirement} is pinned to {pin}: run `make requirements`"


@pytest.mark.parametrize("name", FILES)
def test_every_pin_has_hashes_and_no_index_is_named(name: str) -> None:
    text = (ROOT / FILES[name]).read_text()
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE | re.IGNORECASE)[1:]
    assert len(blocks) == len(_pins(name))
    for block in blocks:
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert "http" not in text.replace("httpx", "").replace("httpcore", "")
    assert "--index" not in text


def test_the_parts_have_the_same_versions_as_what_is_tested() -> None:
    tested = _pins("dev")
    for part in ("function", "infra"):
        assert {name: tested.get(name) for name in _pins(part)} == _pins(part)


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_pinned_that_pyproject_no_longer_names(name: str) -> None:
    """The comment of a pin names who asked for it; `(pyproject.toml:group)` is ourselves."""
    wanted = {canonicalize_name(requirement.name) for requirement in _group(name)}
    for block in re.split(r"^(?=[a-z0-9])", (ROOT / FILES[name]).read_text(), flags=re.MULTILINE | re.IGNORECASE)[1:]:
        package = canonicalize_name(block.partition("==")[0])
        if re.search(r"# +via sluice|# +sluice|pyproject\.toml", block):
            assert package in wanted, f"{package} is no longer in pyproject.toml: run `make requirements`"


def test_every_dependency_says_why_it_is_there() -> None:
    groups = (ROOT / "pyproject.toml").read_text().partition("[dependency-groups]")[2].partition("\n[tool")[0]
    for line in groups.splitlines():
        if line.strip().startswith('"'):
            assert re.search(r",\s+# \w+", line), f"no reason: {line.strip()}"
