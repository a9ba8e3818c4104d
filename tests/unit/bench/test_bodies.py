import json
from pathlib import Path

import pytest

from bench.bodies import COUNT, MESSAGES, UNKNOWN, bodies, read, written


@pytest.mark.parametrize("kb", [20, 250])
def test_bodies_are_of_the_kind_that_is_promised(kb: int) -> None:
    made = bodies(kb)
    texts = [body.whole() for body in made]
    assert len(set(texts)) == len(texts) == COUNT
    assert all(0.4 * kb * 1000 <= len(text) <= 1.6 * kb * 1000 + 100 for text in texts)
    assert all(len(json.loads(text)["messages"]) in MESSAGES for text in texts)
    assert sum(UNKNOWN.search(text) is not None for text in texts) == COUNT // 10
    assert any(b"debugInfo" in text for text in texts)
    assert any(b"debugInfo" not in text for text in texts)


def test_a_copy_differs_in_its_id_its_owner_and_its_time_only() -> None:
    body = bodies(20)[0]
    original, copy = json.loads(body.whole()), json.loads(body.head("c-7", "42", "2026-02-03T04:05:06Z") + body.tail)
    assert (copy["id"], copy["user_id"], copy["updated_at"]) == ("c-7", "42", "2026-02-03T04:05:06Z")
    assert {key for key in copy if copy[key] != original[key]} == {"id", "user_id", "updated_at"}


def test_what_is_written_is_read_and_written_once(tmp_path: Path) -> None:
    file = written(20, tmp_path)
    assert read(file) == bodies(20)
    moment = file.stat().st_mtime_ns
    assert written(20, tmp_path) == file
    assert file.stat().st_mtime_ns == moment
