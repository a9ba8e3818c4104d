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
from sluice.settings import sentence

NOT_DEPLOYED = {
    "port": "Cloud Run sets it",
    "bq_endpoint": "only an emulator has another one",
}
FROM_PROVIDER = {"gcp_project_id": "gcp:project"}
# One key of the stack for what the function and its environment must agree on.
FROM_OPTIONS = {"bq_kms_key": "kms_key"}
# What the other settings are judged beside while one that has no default is missing or wrong.
UNKNOWN = {
    "gcp_project_id": "unknown",
    "looker_base_url": "https://looker.invalid",
    "looker_client_id": "unknown",
    "looker_client_secret": "unknown",
    "looker_user_query_id": "1",
}
SECRETS = tuple(name for name, field in FunctionSettings.model_fields.items() if field.annotation is SecretStr)
PLAIN = tuple(name for name in FunctionSettings.model_fields if name not in {*SECRETS, *NOT_DEPLOYED})
FUNCTION_FIELDS = frozenset({*PLAIN, *SECRETS} - {*FROM_PROVIDER, *FROM_OPTIONS})
OPTION_FIELDS = frozenset(field.name for field in fields(Options))


class ConfigError(pulumi.RunError):
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
            labels=definitions.label_keys(sql),
            foreign=[key for key in everything if not key.startswith(f"{project}:")],
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
        labels: Collection[str] = (),
        foreign: Collection[str] = (),
    ) -> Self:
        """Settings from `values` (kebab-case key -> text).

        Args:
            taken: names bq-table may not have.
            labels: keys that labels may not have.
            foreign: whole keys of the stack that are under other namespaces.

        Raises:
            ConfigError: with every problem at once.
        """
        given: dict[str, Any] = {key.replace("-", "_"): value for key, value in values.items()}
        problems = [f"{key}: unknown key" for key in sorted(values) if not _known(key)]
        problems += checks.namespaces(foreign, name.split("-")[0], {key(f) for f in FUNCTION_FIELDS | OPTION_FIELDS})
        nowhere = list(checks.place({"project": project, "region": region}, name))
        problems += nowhere
        plain = {field: value for field, value in given.items() if field in FUNCTION_FIELDS}
        plain |= {field: given[option] for field, option in FROM_OPTIONS.items() if option in given}
        plain["gcp_project_id"] = UNKNOWN["gcp_project_id"] if nowhere else str(project)
        function, wrong = _validated(_Configured, plain, problems)
        options, also = _validated(Options, {f: v for f, v in given.items() if f in OPTION_FIELDS}, problems)
        crossed = checks.contradictions(function, options, region or "", taken, labels)
        # A value that is wrong by itself is judged as its default: what that contradicts is not said.
        problems += [text for text in crossed if not {key(field) for field in wrong | also} & _named(text)]
        if problems or not (project and region):
            raise ConfigError(problems)
        return cls(project=project, region=region, name=name, function=function, options=options)


def key(field: str) -> str:
    """Pulumi key of a field."""
    return field.replace("_", "-")


def _known(name: str) -> bool:
    return "_" not in name and name.replace("-", "_") in FUNCTION_FIELDS | OPTION_FIELDS


def _named(problem: str) -> set[str]:
    return set(problem.split(":")[0].replace(",", " ").split())


def _validated[T: (FunctionSettings, Options)](
    make: Callable[..., T], given: Mapping[str, Any], problems: list[str]
) -> tuple[T, set[str]]:
    """The value, and the fields that were wrong and have their defaults instead."""
    try:
        return make(**given), set()
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
    problems += [text for details in found if (text := _problem(details))]
    wrong = {str(details["loc"][0]) for details in found}
    right = {field: value for field, value in given.items() if field not in wrong}
    try:
        return make(**{field: value for field, value in UNKNOWN.items() if field in wrong}, **right), wrong
    except ValidationError:  # the default of a wrong field contradicts one that is right by itself
        return make(**UNKNOWN), wrong | given.keys()


def _problem(details: Any) -> str:
    field = str(details["loc"][0])
    if field in FROM_OPTIONS:
        return ""  # the option says it
    if details["type"] != "missing":
        return f"{key(field)}: {sentence(details)}"
    return f"{key(field)} is missing: pulumi config set {'--secret ' if field in SECRETS else ''}{key(field)} …"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
