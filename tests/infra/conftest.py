"""A small checkout of its own, so that a golden file changes when the program does, and the graphs made from it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.recorder import BASE, EVERYTHING, Graph, record

COLUMNS = [
    {"name": "id", "type": "STRING", "mode": "REQUIRED", "description": "Identifier."},
    {"name": "at", "type": "TIMESTAMP", "mode": "REQUIRED", "description": "Moment (UTC)."},
]
PARTITIONED = (
    "description: Rows of {}.\npartition:\n  field: at\n  type: DAY\ncluster:\n- id\nlabels:\n  source: looker\n"
)
FILES = {
    "function/main.py": "def handle(request):\n    return 'ok'\n",
    "function/requirements.txt": "functions-framework==3.10.2\n",
    "function/sluice/__init__.py": '"""Package."""\n',
    "sql/statements/commit.sql": "SELECT 1\n",
    "sql/views/daily.sql": "-- description: Days.\n-- viewers: yes\nSELECT at FROM `${dataset}.messages`\n",
    "sql/views/messages.sql": "-- description: Messages.\nSELECT id, at FROM `${dataset}.${table}`\n",
    "sql/tables/conversations/table.yaml": PARTITIONED.format("conversations"),
    "sql/tables/rejects/table.yaml": PARTITIONED.format("rejects"),
    "sql/tables/sync_runs/table.yaml": PARTITIONED.format("sync_runs"),
    "sql/tables/sync_users/table.yaml": "description: Rows of sync_users.\ncluster:\n- id\n",
    **{
        f"sql/tables/{name}/schema.json": json.dumps(COLUMNS)
        for name in ("conversations", "rejects", "sync_runs", "sync_users")
    },
}


def write(root: Path, files: dict[str, str] = FILES) -> Path:
    """Write a checkout below `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole checkout, small; nobody changes it."""
    return write(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def base(checkout: Path) -> Graph:
    """What the smallest configuration makes."""
    return record(BASE, root=checkout)


@pytest.fixture(scope="session")
def everything(checkout: Path) -> Graph:
    """What the configuration with every option makes."""
    return record(EVERYTHING, root=checkout)


@pytest.fixture(params=["base", "everything"])
def graph(request: pytest.FixtureRequest) -> Graph:
    """Both graphs, one after the other."""
    found: Graph = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def configured(checkout: Path) -> Callable[..., Graph]:
    """Record the smallest configuration with some keys set: `configured(dry_run="true")`."""

    def make(**values: str) -> Graph:
        keys = {f"sluice:{name.replace('_', '-')}": value for name, value in values.items()}
        return record({**BASE, **keys}, root=checkout)

    return make
