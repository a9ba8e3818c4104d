"""`docs/deploy.md` says what is so."""

import re

import pytest

from infra import settings
from infra.components import services
from tests.infra import golden, test_privilege
from tests.infra.recorder import Graph

TEXT = golden.DOCUMENT.read_text(encoding="utf-8")
KEYS = {settings.key(field) for field in settings.FUNCTION_FIELDS | settings.OPTION_FIELDS}
NUMBERS = {13: "thirteen", 14: "fourteen", 15: "fifteen"}


def test_the_table_of_keys_is_that_of_the_project_file() -> None:
    assert golden.documented(TEXT) == TEXT, "see tests/infra/golden.py"
    assert set(re.findall(r"^\| `([a-z-]+)` \|", golden.keys(), re.MULTILINE)) == KEYS


def test_every_key_it_sets_exists() -> None:
    named = re.findall(r"pulumi config set (?:--secret )?([\w:-]+)", TEXT)
    assert len(named) > 10
    assert {name for name in named if not name.startswith("gcp:")} <= KEYS


def test_every_output_it_reads_exists(base: Graph) -> None:
    named = set(re.findall(r"pulumi stack output (\w+)", TEXT))
    assert len(named) > 3
    assert named <= set(base.outputs)


@pytest.mark.parametrize("grants", [test_privilege.BASE, test_privilege.EVERYTHING])
def test_every_role_that_is_granted_is_named(grants: set[tuple[str, str, str]]) -> None:
    roles = {role.removeprefix("roles/") for _, role, _ in grants} - {"cloudkms.cryptoKeyEncrypterDecrypter"}
    assert roles <= set(re.findall(r"`([\w.]+)`", TEXT))


def test_every_alert_is_explained(base: Graph) -> None:
    titles = {alert.inputs["displayName"].split(": ")[1] for alert in base.of("alertPolicy:AlertPolicy")}
    assert {title for title in titles if f"| {title} |" in TEXT} == titles


def test_what_is_counted_is_counted_right() -> None:
    assert f"the {NUMBERS[len(services.ALWAYS)]} Google Cloud APIs" in TEXT
