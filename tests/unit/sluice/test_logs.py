import contextvars
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from sluice import logs

TRACE = "105445aa7843bc8bf206b12000100000"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Gives the lines written so far, each read as JSON."""
    root, out = logging.getLogger(), io.StringIO()
    before, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stdout", out)
    logs.setup()
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    root.handlers[:] = before
    root.setLevel(level)


def test_one_json_object_per_line_as_cloud_logging_reads_it(log: Any) -> None:
    logging.getLogger("sluice.x").warning("two\nlines %s", "ä", extra={"event": "e", "seconds": 1.5, "moment": {1}})
    (entry,) = log()
    assert entry.pop("time").endswith("+00:00")
    assert entry == {
        "severity": "WARNING",
        "message": "two\nlines ä",
        "logger": "sluice.x",
        "event": "e",
        "seconds": 1.5,
        "moment": "{1}",
    }


def test_setting_up_twice_writes_once(log: Any) -> None:
    logs.setup()
    assert [type(handler.formatter) for handler in logging.getLogger().handlers] == [logs.JsonFormatter]


def test_what_is_bound_is_on_every_line_of_its_context(log: Any) -> None:
    logger = logging.getLogger("x")

    def work() -> None:
        logger.info("in a thread")

    with logs.bound(run_id="r"):
        with logs.bound(user="7"):
            logger.info("both")
            thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
            thread.start()
            thread.join()
        logger.info("one")
    logger.info("none")
    assert [(entry.get("run_id"), entry.get("user")) for entry in log()] == [
        ("r", "7"),
        ("r", "7"),
        ("r", None),
        (None, None),
    ]


def test_an_exception_is_its_types_and_places_never_its_text(log: Any) -> None:
    def inner() -> None:
        raise ValueError("canary text")

    try:
        try:
            inner()
        except ValueError as error:
            raise KeyError("canary key") from error
    except KeyError:
        logging.getLogger("x").exception("it failed")
    (entry,) = log()
    assert "canary" not in json.dumps(entry)
    shown = entry["exception"]
    assert shown[0] == "KeyError"
    assert shown[shown.index("caused by") + 1] == "ValueError"
    assert any("test_logs.py" in line and line.endswith(" inner") for line in shown)


def test_an_exception_that_is_its_own_cause_is_shown_once(log: Any) -> None:
    error = ValueError("a")
    other = KeyError("b")
    error.__cause__, other.__cause__ = other, error
    try:
        raise error
    except ValueError:
        logging.getLogger("x").exception("in a circle")
    (entry,) = log()
    assert entry["exception"].count("caused by") <= 2


def test_libraries_are_quiet_about_addresses(log: Any) -> None:
    for name in ("urllib3.connectionpool", "google.auth", "werkzeug"):
        logging.getLogger(name).info("GET /login?client_secret=x")
    assert log() == []


@pytest.mark.parametrize("header", [f"{TRACE}/123;o=1", f"{TRACE}/123", TRACE])
def test_the_trace_groups_the_lines_of_a_request(header: str) -> None:
    assert logs.trace(header, "p") == {"logging.googleapis.com/trace": f"projects/p/traces/{TRACE}"}


@pytest.mark.parametrize("header", ["", "/1", "a b/1", "../x/1", "a\nb"])
def test_what_is_no_trace_is_left_out(header: str) -> None:
    assert logs.trace(header, "p") == {}
