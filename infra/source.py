"""The deployed source: `function/` with the SQL it runs -> one archive, the same bytes wherever it is made.

The engine writes the zip: it sorts the names and fixes the times, so only names and contents matter.
Texts are carried in the state, never a path of the machine that deploys.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi

from infra.definitions import ROOT

REQUIRED = ("main.py", "requirements.txt", "sluice/__init__.py", "sql/tables/", "sql/statements/")
SQL_FOLDERS = ("sql/tables", "sql/statements")


class SourceError(pulumi.RunError):
    """The source cannot be deployed as it is; names the file."""


@dataclass(frozen=True)
class Source:
    """`files`: name inside the archive -> text."""

    files: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents, in hexadecimal."""
        digest = hashlib.sha256()
        for name, text in sorted(self.files.items()):
            content = text.encode()
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()

    @property
    def archive(self) -> pulumi.AssetArchive:
        """What the engine zips and uploads."""
        return pulumi.AssetArchive({name: pulumi.StringAsset(text) for name, text in sorted(self.files.items())})


def read(root: Path = ROOT) -> Source:
    """Collect the source below the checkout `root`.

    Raises:
        SourceError: a file that must be there is not, or is not text.
    """
    files = {name: _text(path) for name, path in _paths(root)}
    for name in REQUIRED:
        if not any(file == name or (name.endswith("/") and file.startswith(name)) for file in files):
            raise SourceError(f"{name} is missing from the source of the function: deploy from a whole checkout")
    return Source(files)


def _paths(root: Path) -> Iterator[tuple[str, Path]]:
    for folder, base in [("function", root / "function"), *((folder, root) for folder in SQL_FOLDERS)]:
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(base)
            if path.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in name.parts):
                yield name.as_posix(), path


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise SourceError(f"{path.name} is not UTF-8 text") from error
