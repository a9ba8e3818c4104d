"""What a program spent on its work, imports and start left out."""

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cpu_seconds() -> float:
    """User and system time of all threads, and of children that were waited for."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def peak_mb() -> float:
    """Most memory this process ever had resident, in MB (1,000,000 bytes)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


@contextmanager
def metered() -> Iterator[dict[str, float]]:
    """Measure the block, and print what it put into the dict together with cpu and wall (seconds) and peak_mb."""
    figures: dict[str, float] = {}
    before, began = cpu_seconds(), time.monotonic()
    yield figures
    figures |= {"cpu": cpu_seconds() - before, "wall": time.monotonic() - began, "peak_mb": peak_mb()}
    sys.stdout.write("\n" + json.dumps(figures) + "\n")
