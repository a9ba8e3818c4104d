"""On how many processors a run's threads compute: on one.

Python runs one thread at a time. Where the next one waits on another processor, each hand-over of Python's lock has to
wake that processor up: a quarter of a run's CPU and of its time, measured (docs/adr/0008-one-core.md).
"""

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def one() -> Iterator[None]:
    """Keep this thread, and those it starts meanwhile, on one processor; afterwards it may use all of them again.

    Does nothing where the system knows no such thing, or does not allow it.
    """
    if sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    with suppress(OSError):  # a sandbox may forbid it: then it is as fast as it is
        # Any of them, so that several runs of one machine do not meet on the first.
        os.sched_setaffinity(0, {random.choice(sorted(before))})
    try:
        yield
    finally:
        with suppress(OSError):  # processors may have been taken away meanwhile: the system has moved the thread then
            os.sched_setaffinity(0, before)
