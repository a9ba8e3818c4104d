"""BigQuery's REST API on this machine: local-bigquery over DuckDB, started without network.

local-bigquery keeps its database, its settings and its job threads in module-level state, so one process holds one
emulator at a time; it may be stopped and started again, on the same or another directory.
"""

import concurrent.futures
import contextlib
import functools
import importlib.util
import logging
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import uvicorn
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from local.listen import HOST, listen
from local.warehouse import loads

PROJECT = "local"
EXTENSIONS = ("ducklake", "spatial")


class EmulatorUnavailable(Exception):
    """The emulator cannot start; the message says why and what to do."""


class Warehouse:
    """A running emulator.

    Attributes:
        url: Base address of the REST API, `http://127.0.0.1:<port>`.
        project: The project that exists in it; others are created when first named.
    """

    project = PROJECT

    def __init__(self, data_dir: Path, port: int = 0) -> None:
        self._listener = _listen(port)
        try:
            self._server = _serve(data_dir)
        except BaseException:
            self._listener.close()
            raise
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), name="bigquery", daemon=True)
        self._thread.start()
        self._closed = False

    def client(self) -> bigquery.Client:
        """A new client of this emulator; the caller closes it."""
        return bigquery.Client(
            project=self.project,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.url},
        )

    def close(self) -> None:
        """Stop answering, let the running jobs end, and leave the data complete on disk. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()
        _release()


@contextlib.contextmanager
def emulator(data_dir: Path, port: int = 0) -> Iterator[Warehouse]:
    """Run the emulator in this process while the context lasts; its data stays in `data_dir`.

    Port 0 takes a free one. A new directory costs about 120 MB: DuckDB keeps its own copy of the extensions there.

    Raises:
        EmulatorUnavailable: the port or the directory is in use, this process already runs an emulator, or the wheels
            that carry DuckDB's extensions are missing.
    """
    warehouse = Warehouse(data_dir, port)
    try:
        yield warehouse
    finally:
        warehouse.close()


def _listen(port: int) -> socket.socket:
    try:
        return listen(port)
    except OSError as error:
        raise EmulatorUnavailable(f"port {port} cannot be opened ({error.strerror}); choose another one") from error


def _serve(data_dir: Path) -> uvicorn.Server:
    # Imported late: it takes seconds, and the message for a wrong argument need not wait for it.
    from local_bigquery import app
    from local_bigquery.engine import database
    from local_bigquery.jobs import query
    from local_bigquery.settings import settings

    if database._connect.cache_info().currsize:
        raise EmulatorUnavailable("this process already runs an emulator; close it first")
    directory = data_dir.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    # It tells of every array index it translates.
    logging.getLogger("sqlglot").setLevel(logging.WARNING)
    # DuckDB asks for it with each parameter of a statement, and Python searches anew for a module that is missing.
    if importlib.util.find_spec("pandas") is None:
        sys.modules["pandas"] = None  # type: ignore[assignment] # how Python itself marks what cannot be imported
    settings.data_dir = directory
    settings.default_project_id = PROJECT
    database.duckdb = SimpleNamespace(connect=functools.partial(_connect, directory))
    query.merge = SimpleNamespace(run=_merge)
    loads.install()
    _locate()
    try:
        database.connection()
    except duckdb.IOException as error:
        raise EmulatorUnavailable(
            f"the data in {data_dir} cannot be opened; is another process using it? {error}"
        ) from error
    return uvicorn.Server(uvicorn.Config(app, log_config=None, log_level="warning", timeout_graceful_shutdown=10))


def _connect(directory: Path, config: dict[str, str] | None = None) -> duckdb.DuckDBPyConnection:
    """What `duckdb.connect` does, with the extensions of the installed wheels and no file outside `directory`."""
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "home_directory": str(directory),
            "temp_directory": str(directory / "spill"),
        }
    )
    # One thread, because what is asked here is small and several cost more than they bring; and no look for tables
    # among this process's variables. Not given to connect(): there it is read before the built-in icu extension, and
    # TimeZone needs icu.
    settings = {"threads": "1", "python_enable_replacements": "false", **(config or {})}
    for name, value in settings.items():
        connection.execute(f"SET GLOBAL {name} = '{value}'")
    for name in EXTENSIONS:
        connection.install_extension(str(_extension(name)))
    return connection


def _extension(name: str) -> Path:
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        raise EmulatorUnavailable(f"install duckdb-extension-{name}=={duckdb.__version__} (dependency group: local)")
    path = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not path.is_file():
        raise EmulatorUnavailable(f"duckdb-extension-{name} is not of version {duckdb.__version__}, as duckdb is")
    return path


def _locate() -> None:
    """Let a table say where it is: where its dataset is. local-bigquery says US of all of them."""
    from local_bigquery.catalog import datasets, tables

    original = getattr(tables.get, "__wrapped__", tables.get)

    @functools.wraps(original)
    def get(project: str, dataset: str, *arguments: Any) -> Any:
        return original(project, dataset, *arguments).replace(location=datasets.get(project, dataset).location)

    tables.get = get


def _merge(cursor: duckdb.DuckDBPyConnection, tree: Any, context: Any) -> Any:
    from local_bigquery.jobs import merge

    return merge.run(_Cursor(cursor), tree, context)


class _Cursor:
    """What a MERGE runs on. It tries BEGIN, and takes a refusal to mean that a transaction is already open.

    DuckDB refuses, and then aborts the open transaction as well; so the refusal is given here instead.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def execute(self, sql: str, parameters: Any = None) -> duckdb.DuckDBPyConnection:
        if sql == "BEGIN" and self._began() == self._began():
            raise duckdb.TransactionException("a transaction is already open")
        return self._cursor.execute(sql, parameters)

    def _began(self) -> Any:
        """When the transaction began, in microseconds; outside of one, when this statement did."""
        return self._cursor.execute("SELECT epoch_us(now())").fetchone()


def _release() -> None:
    """Give the database up. `database.reset()` would also delete the data."""
    from local_bigquery.engine import database
    from local_bigquery.jobs import runner

    concurrent.futures.wait([job.future for job in list(runner._running.values()) if job.future])
    database.connection().close()
    database._connect.cache_clear()
    database._attached.clear()
