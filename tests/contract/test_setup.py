"""What `make demo` and `make test` do first, on a machine that lacks something."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _checkout(folder: Path) -> Path:
    """A checkout without a virtual environment, and a PATH where no Python is found."""
    (folder / "local").mkdir()
    for script in ("setup.sh", "tools.sh"):
        shutil.copy(ROOT / "local" / script, folder / "local")
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


ASKED = "system certificates ${UV_SYSTEM_CERTS:-unset} ${UV_NATIVE_TLS:-unset}, cache ${UV_CACHE_DIR:-unset}"


def _stand_in(path: Path, name: str) -> None:
    path.write_text(f'#!/bin/sh\necho "{name} $*, {ASKED}"\n')
    path.chmod(0o755)


def test_uv_trusts_what_the_machine_trusts(tmp_path: Path) -> None:
    tools = _checkout(tmp_path)
    _stand_in(tools / "uv", "uv")
    calls = [line for line in _set_up(tmp_path, tools).stdout.splitlines() if line.startswith("uv ")]
    assert len(calls) == 2
    assert all("system certificates 1 1" in call for call in calls)


def test_a_machine_without_certificates_can_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = _checkout(tmp_path)
    _stand_in(tools / "uv", "uv")
    monkeypatch.setenv("UV_SYSTEM_CERTS", "0")
    monkeypatch.setenv("UV_NATIVE_TLS", "0")
    assert "system certificates 0 0" in _set_up(tmp_path, tools).stdout


@pytest.mark.parametrize("target", [".venv-policy/ready", ".venv-googlesql/ready", ".venv-bench/ready", "requirements"])
def test_every_uv_of_the_makefile_trusts_what_the_machine_trusts(tmp_path: Path, target: str) -> None:
    _checkout(tmp_path)
    shutil.copy(ROOT / "Makefile", tmp_path)
    for file in ("policy", "tests/googlesql", "bench"):
        (tmp_path / file).mkdir(parents=True)
        (tmp_path / file / "requirements.txt").touch()
        (tmp_path / file / "requirements.in").touch()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / target).parent.mkdir(exist_ok=True)
    _stand_in(tmp_path / ".venv" / "bin" / "uv", "uv")
    (tmp_path / ".venv" / "ready").touch()
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = ["make", "--directory", str(tmp_path), target]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    calls = [line for line in done.stdout.splitlines() if line.startswith("uv ")]
    assert len(calls) >= 2
    assert all(f"system certificates 1 1, cache {tmp_path}/.local" in call for call in calls)
