"""`python -m bench [--quick]`: measure, print every table as it grows, and write them to a file."""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bench.cases import Bench, Table
from bench.certificate import issue

RESULTS = Path(__file__).with_name("results.md")
LEGEND = """\
CPU-s: user and system seconds of the whole client process, all threads, per 1,000 conversations; imports left out.
Efficiency: ideal wall / wall, where ideal is the larger of requests x latency / workers and bytes / wire.
Ratios are medians over the rounds of one run, each round measured next to ours. Looker's CPU is a share of one core.
"""

console = Console(highlight=False, soft_wrap=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything; the file is left as it is")
    quick = parser.parse_args().quick
    began, lines = time.monotonic(), [*_preface()]
    for line in lines:
        console.print(line)
    with tempfile.TemporaryDirectory() as folder:
        for table in Bench(issue(Path(folder)), quick).tables():
            for line in _markdown(table):
                console.print(line)
                lines.append(line)
    load = os.getloadavg()[0]
    lines += ["", f"Took {time.monotonic() - began:.0f} s; load average at the end {load:.1f}."]
    console.print("\n".join(lines[-2:]))
    if not quick:
        RESULTS.write_text("\n".join(lines) + "\n")


def _preface() -> Iterator[str]:
    yield "# Measured"
    yield ""
    yield f"`make bench` on {os.cpu_count()} cores, Python {platform.python_version()}; {_busy()}."
    yield ""
    yield from LEGEND.splitlines()


def _busy() -> str:
    return f"load average {os.getloadavg()[0]:.1f} before the start"


def _markdown(table: Table) -> Iterator[str]:
    yield from ("", f"## {table.title}", "")
    yield "| " + " | ".join(table.head) + " |"
    yield "|" + "---|" * len(table.head)
    for row in table.rows:
        yield "| " + " | ".join(row) + " |"


if __name__ == "__main__":
    main()
