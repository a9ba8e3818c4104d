"""What `make demo` and `make test` do first, on a machine that lacks something."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _checkout(folder: Path) -> Path:
    """A checkout without a virtual environment, and a PATH where no Python is found."""
    (folder / "local").mkdir()
    shutil.copy(ROOT / "local" / "setup.sh", folder / "local")
    shutil.copy(ROOT / "requirements-dev.txt", folder)
    tools = folder / "tools"
    tools.mkdir()
    for name in ("dirname", "sh"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    return tools


def _set_up(folder: Path, tools: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PATH": str(tools)}
    return subprocess.run(
        [str(folder / "local" / "setup.sh")], env=environ, capture_output=True, text=True, check=False
    )


def test_without_python_313_one_line_says_what_to_install(tmp_path: Path) -> None:
    done = _set_up(tmp_path, _checkout(tmp_path))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "Python 3.13" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_another_python_is_not_taken_for_it(tmp_path: Path) -> None:
    tools = _checkout(tmp_path)
    other = tools / "python3"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    assert "Python 3.13" in _set_up(tmp_path, tools).stderr


def test_uv_is_used_where_there_is_one(tmp_path: Path) -> None:
    tools = _checkout(tmp_path)
    uv = tools / "uv"
    uv.write_text('#!/bin/sh\necho "uv $*, cache $UV_CACHE_DIR, python $UV_PYTHON_INSTALL_DIR"\n')
    uv.chmod(0o755)
    done = _set_up(tmp_path, tools)
    assert done.returncode == 0, done.stderr
    assert "uv venv --quiet --python 3.13 .venv" in done.stdout
    assert "--require-hashes requirements-dev.txt" in done.stdout
    for line in done.stdout.splitlines():
        if line.startswith("uv "):
            assert f"cache {tmp_path}/" in line, "nothing is written outside the checkout"
            assert f"python {tmp_path}/" in line
