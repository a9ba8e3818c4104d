"""What is generated is up to date, and says what the code says."""

import pytest

from local import docs
from sluice.looker.rules import RULES
from sluice.settings import Settings


def test_generated_files_are_up_to_date() -> None:
    stale = [path.name for path, text in docs.generated().items() if path.read_text() != text]
    assert not stale, f"run `make docs`: {stale}"


def test_every_setting_is_in_the_example_and_in_the_readme() -> None:
    example, readme = (path.read_text() for path in docs.generated())
    for name, field in Settings.model_fields.items():
        line = f"\n{name.upper()}=\n" if field.is_required() else f"\n# {name.upper()}="
        assert line in example
        assert f"| `{name.upper()}` |" in readme


def test_every_pruning_rule_is_in_the_readme() -> None:
    readme = docs.generated()[docs.ROOT / "README.md"]
    for rule in RULES:
        assert f"| `{rule.path}` |" in readme


def test_a_readme_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="settings"):
        docs._replace("# Sluice\n", "settings", "| a |")
