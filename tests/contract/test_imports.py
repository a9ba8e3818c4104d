"""Imports go one way, and the deployed function is lean."""

import ast
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from sys import stdlib_module_names

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
STORY = {"sluice.run", "sluice.convert", "sluice.report", "sluice.plan", "sluice.recheck"}


def _imports(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every module imported by the files of a folder; `from a import b` gives both `a` and `a.b`."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{path}: relative import"
                yield path, node.module or ""
                yield from ((path, f"{node.module}.{alias.name}") for alias in node.names)


def _offenders(folder: str, *forbidden: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {module}"
        for path, module in _imports(ROOT / folder)
        if any(module == name or module.startswith(f"{name}.") for name in forbidden)
    ]


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("function/sluice/looker", {"sluice.warehouse", "google.cloud", "main", *STORY}),
        ("function/sluice/warehouse", {"sluice.looker", "looker_sdk", "main", *STORY}),
        ("function", {"local", "tests", "infra", "bench", "ops"}),
        ("ops", {"local", "tests", "infra", "bench", "main"}),
        ("local/looker", {"sluice", "main"}),
        ("infra", {"local", "tests", "sluice.run", "sluice.looker", "sluice.warehouse", "looker_sdk"}),
    ],
)
def test_imports_go_one_way(folder: str, forbidden: set[str]) -> None:
    assert _offenders(folder, *forbidden) == []


def test_settings_and_errors_import_nothing_heavy() -> None:
    light = {"pydantic", "pydantic_settings", "sluice"} | set(stdlib_module_names)
    for path, module in _imports(ROOT / "function" / "sluice"):
        if path.name in {"settings.py", "errors.py"}:
            assert module.partition(".")[0] in light, f"{path.name} imports {module}"


def test_the_function_requires_exactly_what_it_imports() -> None:
    distributions = packages_distributions()
    imported: set[str] = set()
    for _, module in _imports(ROOT / "function"):
        top = module.partition(".")[0]
        if top in stdlib_module_names or top in {"sluice", "main"}:
            continue
        imported |= {"google" + module.removeprefix("google")} if top == "google" else set(distributions[top])
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    declared = {canonicalize_name(Requirement(item).name) for item in groups["function"]}
    assert {_distribution(name) for name in imported} == declared


def _distribution(name: str) -> str:
    """`google` is shared by many distributions: its parts are told apart by the longest name that fits."""
    parts = {
        "google.api_core": "google-api-core",
        "google.auth": "google-auth",
        "google.cloud": "google-cloud-bigquery",
        "google.resumable_media": "google-resumable-media",
    }
    fits = [distribution for module, distribution in parts.items() if name.startswith(module)]
    if name == "google":  # `import google.auth` binds it
        return "google-auth"
    return fits[0] if fits else canonicalize_name(name)
