"""Pulumi's rules for `Pulumi.yaml`, as far as a project of this kind uses them, and stricter: nothing else is a key.

Restated from Pulumi's own schema of project files and from what its Python language host accepts as options:
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/workspace/project.json
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

# Alphanumeric characters, hyphens, underscores and periods.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Options(Strict):
    """Options of the Python language host; any other is ignored by the engine, which hides a typing error."""

    toolchain: Literal["pip", "poetry", "uv"]
    virtualenv: str
    typechecker: Literal["mypy", "pyright"] | None = None


class Runtime(Strict):
    name: Literal["python"]
    options: Options


class Declaration(Strict):
    """A key of the configuration. Without a default it must be set on the stack."""

    type: Literal["string", "integer", "boolean"]
    description: Annotated[str, Field(min_length=1)]
    secret: bool = False
    default: Any = None

    @model_validator(mode="after")
    def _default_has_the_type(self) -> Self:
        if self.default is not None and type(self.default) is not TYPES[self.type]:
            raise ValueError(f"the default is not of type {self.type}")
        if self.secret and self.default is not None:
            raise ValueError("a secret has no default")
        return self


class Project(Strict):
    """A whole `Pulumi.yaml`. A key with a namespace may not be declared, only set, so there are none here."""

    name: Name
    description: str
    main: str
    requiredPulumiVersion: str  # noqa: N815  the engine's name; since 3.219 it keeps older CLIs out
    runtime: Runtime
    config: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")], Declaration]
