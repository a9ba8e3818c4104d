"""Pruning alone: `python -m bench.contenders.engine NAME FILE` prunes every line of a file for a while, on one core.

`ours` decides what to keep before it decodes; `json` and `orjson` decode everything, delete and encode again.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.contenders.pruning import prune

ROUNDS = 7


def ours() -> Callable[[bytes], bytes]:
    from sluice.looker import lenient
    from sluice.looker.prune import canonical
    from sluice.warehouse.rows import encode_array

    def engine(body: bytes) -> bytes:
        messages = lenient.elements(lenient.document(body)["messages"])
        return encode_array([canonical(message) for message in messages], 1 << 20).text

    return engine


def standard() -> Callable[[bytes], bytes]:
    return lambda body: json.dumps(prune(json.loads(body))["messages"]).encode()


def orjson() -> Callable[[bytes], bytes]:
    library = importlib.import_module("orjson")
    return lambda body: library.dumps(prune(library.loads(body))["messages"])


def main() -> None:
    name, file = sys.argv[1:]
    engine = {"ours": ours, "json": standard, "orjson": orjson}[name]()
    bodies = Path(file).read_bytes().splitlines()
    kept = sum(len(engine(body)) for body in bodies)
    best = min(_seconds(engine, bodies) for _ in range(ROUNDS))
    size = sum(map(len, bodies))
    sys.stdout.write(json.dumps({"mb_per_second": size / best / 1e6, "kept": kept / size}) + "\n")


def _seconds(engine: Callable[[bytes], bytes], bodies: list[bytes]) -> float:
    began = time.thread_time()
    for body in bodies:
        engine(body)
    return time.thread_time() - began


if __name__ == "__main__":
    main()
