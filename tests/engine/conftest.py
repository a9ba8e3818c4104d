"""Every test here is marked `engine`, and skipped with one line where there is no `pulumi`."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra import propagation
from tests.engine.engine import Engine, Stack
from tests.engine.google import Google
from tests.engine.provider import serving
from tests.infra.conftest import write
from tests.infra.recorder import BASE, EVERYTHING, Graph, record

HOW = "no `pulumi` on PATH: see https://www.pulumi.com/docs/install/, then `make test-engine`"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.engine)
            if shutil.which("pulumi") is None:
                item.add_marker(pytest.mark.skip(reason=HOW))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Google's stand-in knows its grants at once, unless a test says otherwise."""
    monkeypatch.setattr(propagation, "GRANT_SECONDS", 0.0)
    monkeypatch.setattr(propagation, "RETRY_SECONDS", 0.5)


@pytest.fixture
def google() -> Google:
    return Google()


@pytest.fixture
def engine(google: Google, tmp_path: Path) -> Iterator[Engine]:
    with serving(google) as port:
        yield Engine(tmp_path / "engine", google, port)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole checkout, small; a test that changes one writes its own."""
    return write(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def base(checkout: Path) -> Graph:
    """What the smallest configuration makes."""
    return record(BASE, root=checkout)


@pytest.fixture(scope="session")
def everything(checkout: Path) -> Graph:
    """What the configuration with every option makes."""
    return record(EVERYTHING, root=checkout)


@pytest.fixture
def stack(engine: Engine, checkout: Path) -> Stack:
    """The stack `prod` with the smallest configuration, not deployed."""
    made = engine.stack(checkout)
    made.configure(BASE)
    return made


@pytest.fixture
def again(engine: Engine) -> Callable[[Path], Stack]:
    """The same stack over another checkout."""
    return engine.stack
