"""Pulumi configuration -> one frozen, cross-checked value.

The keys of the function are the fields of its own `sluice.settings.Settings` in kebab-case, with its defaults and
bounds; the keys of the environment around it are the fields of `infra.options.Options`. Nothing else is a key.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from infra import checks, definitions
from infra.options import Options
from sluice.settings import Settings as FunctionSettings

NOT_DEPLOYED = {
    "port": "Cloud Run sets it",
    "bq_endpoint": "only an emulator has another one",
}
FROM_PROVIDER = {"gcp_project_id": "gcp:project"}
SECRETS = tuple(name for name, field in FunctionSettings.model_fields.items() if field.annotation is SecretStr)
PLAIN = tuple(name for name in FunctionSettings.model_fields if name not in {*SECRETS, *NOT_DEPLOYED})
FUNCTION_FIELDS = frozenset({*PLAIN, *SECRETS} - set(FROM_PROVIDER))
OPTION_FIELDS = frozenset(field.name for field in fields(Options))


class ConfigError(Exception):
    """Every problem of the stack's configuration, one line each; names keys, and no value of a secret."""

    def __init__(self, problems: list[str]) -> None:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"the configuration of this stack has problems:\n{lines}")
        self.problems = tuple(problems)


class _Configured(FunctionSettings):
    """The function's settings as configured, blind to the environment of whoever deploys."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything the program is told.

    Attributes:
        project: Google Cloud project id.
        region: region of everything that has one.
        name: prefix of every physical name, `<Pulumi project>-<stack>`.
        function: the function's own settings, its secrets as SecretStr.
        options: the environment around it.
    """

    project: str
    region: str
    name: str
    function: FunctionSettings
    options: Options

    @property
    def environment(self) -> dict[str, str]:
        """The function's variables but its secrets. One that is empty is left out: the function reads it alike."""
        texts = {name.upper(): _text(getattr(self.function, name)) for name in PLAIN}
        return {name: text for name, text in texts.items() if text}

    @property
    def secrets(self) -> dict[str, pulumi.Output[str]]:
        """The function's secrets, field name -> value, secret in state and outputs."""
        return {name: pulumi.Output.secret(getattr(self.function, name).get_secret_value()) for name in SECRETS}

    @property
    def labels(self) -> dict[str, str]:
        """Labels of everything that takes labels."""
        return {**self.options.extra_labels, "app": "sluice", "stack": self.name}

    @classmethod
    def load(cls, sql: Path) -> Self:
        """Read the configuration of the stack that is deployed; `sql` is the folder of the tables and views.

        Raises:
            ConfigError: with every problem at once.
        """
        project = pulumi.get_project()
        everything = {**get_config_env(), **CONFIG.get()}
        values = {key.removeprefix(f"{project}:"): v for key, v in everything.items() if key.startswith(f"{project}:")}
        return cls.check(
            values,
            project=everything.get("gcp:project"),
            region=everything.get("gcp:region"),
            name=f"{project}-{pulumi.get_stack()}",
            taken=definitions.names(sql),
        )

    @classmethod
    def check(
        cls,
        values: Mapping[str, str],
        *,
        project: str | None,
        region: str | None,
        name: str,
        taken: Collection[str],
    ) -> Self:
        """Settings from `values` (kebab-case key -> text); `taken`: names bq-table may not have.

        Raises:
            ConfigError: with every problem at once.
        """
        given: dict[str, Any] = {key.replace("-", "_"): value for key, value in values.items()}
        problems = [f"{key}: unknown key" for key in sorted(values) if not _known(key)]
        problems += checks.place({"project": project, "region": region}, name)
        plain = {field: value for field, value in given.items() if field in FUNCTION_FIELDS}
        function = _validated(lambda: _Configured(gcp_project_id=project or "unknown", **plain), problems)
        options = _validated(lambda: Options(**{f: v for f, v in given.items() if f in OPTION_FIELDS}), problems)
        if function and options:
            problems += checks.contradictions(function, options, region or "", taken)
        if problems or not (function and options and project and region):
            raise ConfigError(problems)
        return cls(project=project, region=region, name=name, function=function, options=options)


def key(field: str) -> str:
    """Pulumi key of a field."""
    return field.replace("_", "-")


def _known(name: str) -> bool:
    return "_" not in name and name.replace("-", "_") in FUNCTION_FIELDS | OPTION_FIELDS


def _validated[T](make: Callable[[], T], problems: list[str]) -> T | None:
    try:
        return make()
    except ValidationError as error:
        problems += [_problem(details) for details in error.errors(include_input=False, include_url=False)]
        return None


def _problem(details: Any) -> str:
    field = str(details["loc"][0])
    if field in FROM_PROVIDER:
        return f"{FROM_PROVIDER[field]}: {details['msg']}"
    if details["type"] != "missing":
        return f"{key(field)}: {details['msg']}"
    return f"{key(field)} is missing: pulumi config set {'--secret ' if field in SECRETS else ''}{key(field)} …"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
