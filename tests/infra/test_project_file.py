"""`Pulumi.yaml` and the committed stacks agree with Pulumi's rules, with the program and with the function."""

from dataclasses import fields
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from infra import definitions, settings
from infra.options import Options
from infra.settings import Settings
from sluice.settings import Settings as FunctionSettings
from tests.infra.project_file import Project

FILE = definitions.ROOT / "Pulumi.yaml"
STACK = definitions.ROOT / "Pulumi.prod.yaml"


def read(path: Any = FILE) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def project() -> Project:
    return Project.model_validate(read())


def test_the_program_is_where_the_file_says(project: Project) -> None:
    assert (definitions.ROOT / project.main / "__main__.py").is_file()
    assert (definitions.ROOT / project.main / "requirements.txt").is_file()


def test_every_key_of_the_program_is_declared_and_no_other(project: Project) -> None:
    assert set(project.config) == {settings.key(field) for field in settings.FUNCTION_FIELDS | settings.OPTION_FIELDS}


def test_keys_of_the_function_have_its_types_defaults_and_descriptions(project: Project) -> None:
    names: dict[Any, str] = {int: "integer", bool: "boolean"}
    for field in settings.FUNCTION_FIELDS:
        declared, meant = project.config[settings.key(field)], FunctionSettings.model_fields[field]
        assert declared.type == names.get(meant.annotation, "string"), field
        assert declared.default == (None if meant.is_required() else meant.default), field
        assert declared.secret == (field in settings.SECRETS), field
        assert declared.description.startswith(meant.description or "?"), field


def test_keys_of_the_environment_have_the_types_and_defaults_of_the_options(project: Project) -> None:
    for field in fields(Options):
        declared = project.config[settings.key(field.name)]
        assert declared.default == field.default, field.name
        assert not declared.secret


@pytest.mark.parametrize(
    "spoil",
    [
        {"nme": "x"},
        {"name": "a project"},
        {"runtime": {"name": "python", "options": {"toolchain": "conda", "virtualenv": "v"}}},
        {"runtime": {"name": "python", "options": {"toolchain": "pip", "virtualenv": "v", "venv": "w"}}},
        {"config": {"workers": {"type": "number", "description": "x"}}},
        {"config": {"workers": {"type": "integer", "default": "50", "description": "x"}}},
        {"config": {"workers": {"type": "integer", "default": True, "description": "x"}}},
        {"config": {"workers": {"default": 50, "description": "x"}}},
        {"config": {"gcp:project": {"type": "string", "description": "x"}}},
        {"config": {"secret-thing": {"type": "string", "secret": True, "default": "x", "description": "x"}}},
    ],
)
def test_a_file_the_engine_would_refuse_or_misread_is_refused(spoil: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Project.model_validate({**read(), **spoil})


def test_the_production_stack_needs_its_two_secrets_and_nothing_else(project: Project) -> None:
    stack: dict[str, Any] = read(STACK)["config"]
    values = {key.removeprefix("sluice:"): str(value) for key, value in stack.items() if key.startswith("sluice:")}
    missing = {name for name, key in project.config.items() if key.default is None} - set(values)
    assert missing == {settings.key(name) for name in settings.SECRETS}
    found = Settings.check(
        {**values, **dict.fromkeys(missing, "given")},
        project=stack["gcp:project"],
        region=stack["gcp:region"],
        name="sluice-prod",
        taken=definitions.names(),
    )
    assert found.options.notification_email


def test_no_secret_of_a_committed_stack_is_in_clear() -> None:
    for path in definitions.ROOT.glob("Pulumi.*.yaml"):
        for name in settings.SECRETS:
            value = read(path)["config"].get(f"sluice:{settings.key(name)}")
            assert value is None or set(value) == {"secure"}, path.name
