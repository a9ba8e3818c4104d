"""The archive of the function."""

import io
import runpy
import zipfile
from pathlib import Path

import pytest

from infra import definitions, source
from infra.source import SourceError
from tests.infra.conftest import FILES, write


def test_it_holds_the_function_and_the_sql_it_runs_and_nothing_else(checkout: Path) -> None:
    assert set(source.read(checkout).files) == {
        "main.py",
        "requirements.txt",
        "sluice/__init__.py",
        "sql/statements/commit.sql",
        *(name for name in FILES if name.startswith("sql/tables/")),
    }


def test_caches_and_hidden_files_stay_behind(tmp_path: Path) -> None:
    root = write(tmp_path)
    clean = source.read(root)
    for name in ("function/__pycache__/main.pyc", "function/.env", "function/.venv/lib.py", "sql/tables/.DS_Store"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"\xff\x00")
    assert source.read(root) == clean


def test_the_digest_follows_names_and_contents_and_nothing_else(tmp_path: Path) -> None:
    one = source.read(write(tmp_path / "one"))
    same = source.read(write(tmp_path / "two", dict(reversed(FILES.items()))))
    changed = source.read(write(tmp_path / "three", {**FILES, "function/main.py": "def handle(request): ...\n"}))
    renamed = source.read(write(tmp_path / "four", {**FILES, "function/sluice/more.py": ""}))
    assert one.digest == same.digest
    assert len({one.digest, changed.digest, renamed.digest}) == 3


def test_a_text_cannot_move_from_one_file_to_the_next_unseen() -> None:
    assert source.Source({"a": "xy", "b": ""}).digest != source.Source({"a": "x", "b": "y"}).digest


@pytest.mark.parametrize(
    "missing",
    ["function/main.py", "function/requirements.txt", "function/sluice/__init__.py", "sql/statements/commit.sql"],
)
def test_half_a_checkout_is_not_deployed(tmp_path: Path, missing: str) -> None:
    root = write(tmp_path, {name: text for name, text in FILES.items() if name != missing})
    with pytest.raises(SourceError, match="is missing from the source"):
        source.read(root)


def test_a_binary_file_is_refused_by_name(tmp_path: Path) -> None:
    (write(tmp_path) / "function/sluice/model.bin").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match=r"model\.bin is not UTF-8"):
        source.read(tmp_path)


def test_the_deployed_function_finds_its_sql_beside_itself(tmp_path: Path) -> None:
    """What the archive holds, unpacked elsewhere, is enough to import the function's definitions of tables."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, text in source.read(definitions.ROOT).files.items():
            zipped.writestr(name, text)
    zipfile.ZipFile(buffer).extractall(tmp_path)
    assert (tmp_path / "sql/tables/conversations/schema.json").is_file()
    assert runpy.run_path(str(tmp_path / "sluice/errors.py"))["SettingsError"]
