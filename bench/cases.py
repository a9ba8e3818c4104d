"""What is measured, in which order, and the tables that come of it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bench.bodies import read, written
from bench.certificate import Certificate
from bench.load import Load
from bench.measure import OTHER_PYTHON, Contender, Result, measure
from bench.servers import ENVIRON, ROOT, serving

NAMES = {
    Contender.OURS: "1 Sluice",
    Contender.TYPED: "2 looker-sdk, typed, as shipped, 1,000 conversations",
    Contender.MENDED: "2 looker-sdk, typed, leak mended",
    Contender.RAW: "3 looker-sdk, raw bodies",
    Contender.DLT: "4 dlt, parallelized, to JSONL",
}
ACTIVITY = "user.last_active"
HEAD = ("", "CPU-s / 1,000", "wall s", "efficiency", "peak MB", "requests", "Looker's CPU")

type Rows = Iterator[tuple[str, ...]]


@dataclass(frozen=True)
class Table:
    """One table of the report; `rows` measures while it is read."""

    title: str
    head: tuple[str, ...]
    rows: Rows


@dataclass(frozen=True)
class Bench:
    """All tables, for one machine in one state."""

    certificate: Certificate
    quick: bool

    def tables(self) -> Iterator[Table]:
        bandwidth = self._bandwidth()
        yield Table("Wire", ("loopback TLS, one connection",), iter([(f"{bandwidth / 1e6:.0f} MB/s",)]))
        yield Table("Side by side", (*HEAD, "CPU x ours", "wall x ours"), self._beside(bandwidth))
        yield Table("Growth", (*HEAD, "first byte up at"), self._growth(bandwidth))
        yield Table("Requests of a daily run", ("", "requests", "per user", "wall s"), self._daily())
        yield Table("Pruning, one core", ("", "MB/s", "kept"), self._engines())

    def _bandwidth(self) -> float:
        with serving(Load(users=1, conversations=0), self.certificate) as servers:
            return servers.bandwidth()

    def _beside(self, bandwidth: float) -> Rows:
        """Interleaved: what disturbs the machine disturbs everybody."""
        load = Load(users=50, conversations=100 if self.quick else 1000)
        compared = (Contender.OURS, Contender.MENDED, Contender.RAW, Contender.DLT)
        rounds = [
            {contender: measure(contender, load, self.certificate) for contender in compared}
            for _ in range(1 if self.quick else 2)
        ]
        for contender in compared:
            yield _beside(contender, [(each[Contender.OURS], each[contender]) for each in rounds], bandwidth)
        if not self.quick:
            # Its cost per conversation rises with every call, so the number of conversations belongs to the figure.
            ours, shipped = (measure(each, load, self.certificate) for each in (Contender.OURS, Contender.TYPED))
            yield _beside(Contender.TYPED, [(ours, shipped)], bandwidth)

    def _growth(self, bandwidth: float) -> Rows:
        for name, load in self._loads():
            result = measure(Contender.OURS, load, self.certificate)
            streamed = "" if result.streamed_from is None else f"{result.streamed_from:.1%}"
            yield name, *_figures([result], bandwidth), streamed

    def _loads(self) -> Iterator[tuple[str, Load]]:
        small = Load(users=100, conversations=100, kb=20, latency=0.02)
        even = Load(users=200, conversations=2200, kb=20)
        large = Load(users=100, conversations=1000)
        if self.quick:
            yield "100 users", small
            yield "500 users", replace(small, users=500, conversations=500)
            yield "200 users, even", replace(even, conversations=1100)
            yield "200 users, one with 1,000", replace(even, conversations=1100, heavy=1000)
            return
        for users in (100, 2000, 10_000):
            yield (
                f"{users:,} users, one 20 KB conversation each, 20 ms",
                replace(small, users=users, conversations=users),
            )
        yield "200 users, 2,200 conversations, even", even
        yield "200 users, 2,200 conversations, 2,000 of one", replace(even, heavy=2000)
        for megabytes in (50, 500, 2000):
            yield f"{megabytes:,} MB raw, 80 ms", replace(large, conversations=4 * megabytes)
        yield "20 KB bodies, 8,000 conversations, 80 ms", replace(large, kb=20, conversations=8000)
        for milliseconds in (0, 20, 250):
            yield f"1,000 conversations, {milliseconds} ms", replace(large, latency=milliseconds / 1000)
        yield "1,000 conversations, 300 ms a chunk", replace(large, put_latency=0.3)
        for workers in (10, 50, 100):
            yield f"1,000 conversations, 80 ms, {workers} workers", replace(large, workers=workers)

    def _daily(self) -> Rows:
        users = 500 if self.quick else 10_000
        load = Load(users=users, conversations=2 * users, kb=20, latency=0.0)
        for active, keys in ((0, ("", ACTIVITY)), (users * 3 // 100, (ACTIVITY,))):
            for key in keys:
                result = measure(
                    Contender.DAILY, replace(load, active=active), self.certificate, LOOKER_USER_ACTIVITY_KEY=key
                )
                name = f"{users:,} users, {active:,} active" + (", activity known" if key else "")
                yield name, f"{result.requests:,}", f"{result.requests / users:.3f}", f"{result.wall:.1f}"

    def _engines(self) -> Rows:
        file = self.certificate.bundle.with_name("bodies")
        file.write_bytes(b"\n".join(body.whole() for body in read(written(250, file.parent))))
        for name in ("ours", "json", "orjson"):
            figures = _engine(name, file)
            yield name, f"{figures['mb_per_second']:.0f}", f"{figures['kept']:.1%}"


def _engine(name: str, file: Path) -> dict[str, float]:
    python = OTHER_PYTHON if name == "orjson" else sys.executable
    command = [str(python), "-m", "bench.contenders.engine", name, str(file)]
    done = subprocess.run(command, env=ENVIRON, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _beside(contender: Contender, pairs: list[tuple[Result, Result]], bandwidth: float) -> tuple[str, ...]:
    """One contender's figures, and the medians of its ratios to ours of the same round."""
    cpu = median(result.cpu / ours.cpu for ours, result in pairs)
    wall = median(result.wall / ours.wall for ours, result in pairs)
    return NAMES[contender], *_figures([result for _, result in pairs], bandwidth), f"{cpu:.1f}", f"{wall:.1f}"


def _figures(results: list[Result], bandwidth: float) -> tuple[str, ...]:
    return (
        f"{median(each.cpu_per_thousand for each in results):.2f}",
        f"{median(each.wall for each in results):.1f}",
        f"{median(each.ideal(bandwidth) / each.wall for each in results):.2f}",
        f"{median(each.peak_mb for each in results):.0f}",
        f"{median(each.requests for each in results):,.0f}",
        f"{median(each.looker_share for each in results):.0%}",
    )
