"""Starting, stopping and starting again. Where that needs a process without an emulator, in one of its own."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local.warehouse.emulator import EmulatorUnavailable, Warehouse, emulator

ROOT = Path(__file__).parents[4]
RESTART = """
import sys
from pathlib import Path
from local.warehouse.emulator import emulator

data, other = Path(sys.argv[1]), Path(sys.argv[2])
for number in range(3):
    with emulator(data) as warehouse:
        client = warehouse.client()
        client.create_dataset("kept", exists_ok=True)
        client.query("CREATE TABLE IF NOT EXISTS kept.numbers (n INT64)").result()
        client.query(f"INSERT kept.numbers VALUES ({number})").result()
        client.close()
    warehouse.close()
with emulator(other) as warehouse:
    client = warehouse.client()
    print(sorted(dataset.dataset_id for dataset in client.list_datasets()))
    client.close()
with emulator(data) as warehouse:
    client = warehouse.client()
    print(sorted(row.n for row in client.query("SELECT n FROM kept.numbers").result()))
    client.close()
"""


def python(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """Python with this repository on its path, and with a home and a working directory that show what it writes."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(cwd), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.mark.slow
def test_data_survives_restarts_in_one_process(tmp_path: Path, home: Path) -> None:
    process = python("-c", RESTART, str(tmp_path / "data"), str(tmp_path / "other"), cwd=home)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, "['local']\n[0, 1, 2]\n"), err
    assert list(home.iterdir()) == []


@pytest.mark.slow
def test_it_runs_alone_until_it_is_told_to_stop(tmp_path: Path, home: Path) -> None:
    process = python("-m", "local.warehouse", "--port", "0", "--data", str(tmp_path / "data"), cwd=home)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("BigQuery (project local) listens on http://127.0.0.1:")
    second = python("-m", "local.warehouse", "--port", "0", "--data", str(tmp_path / "data"), cwd=home)
    _, err = second.communicate(timeout=120)
    assert second.returncode == 1
    assert "is another process using it?" in err
    assert "Traceback" not in err
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    assert list(home.iterdir()) == []


def test_a_second_one_in_this_process_is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(EmulatorUnavailable, match="already runs"), emulator(tmp_path):
        pass
    client = warehouse.client()
    assert [row.one for row in client.query("SELECT 1 AS one").result()] == [1]
    client.close()


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmulatorUnavailable, match=f"port {port} cannot be opened"), emulator(tmp_path, port):
            pass
