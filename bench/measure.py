"""One contender over one load: what it spent, what the servers saw, and that nothing was left out."""

import json
import subprocess
import sys
from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bench.certificate import Certificate
from bench.load import Load
from bench.servers import ENVIRON, ROOT, Servers, serving

OTHER_PYTHON = ROOT / ".venv-bench" / "bin" / "python"


class Contender(Enum):
    """A program and its arguments."""

    OURS = ("bench.contenders.ours", "historical")
    DAILY = ("bench.contenders.ours", "daily")
    TYPED = ("bench.contenders.sdk", "typed")
    MENDED = ("bench.contenders.sdk", "mended")
    RAW = ("bench.contenders.sdk", "raw")
    DLT = ("bench.contenders.rest", "")

    @property
    def python(self) -> str:
        return str(OTHER_PYTHON) if self is Contender.DLT else sys.executable


@dataclass(frozen=True)
class Result:
    """Seconds, MB and counts of one measurement. `looker_share` is of one core."""

    load: Load
    cpu: float
    wall: float
    peak_mb: float
    conversations: int
    requests: int
    raw_bytes: int
    loaded_bytes: int
    looker_share: float
    streamed_from: float | None
    """Share of the conversations that were fetched when the first byte was uploaded."""

    @property
    def cpu_per_thousand(self) -> float:
        return 1000 * self.cpu / self.conversations

    def ideal(self, bandwidth: float) -> float:
        """The least seconds it could take: all workers always waiting for Looker, or the wire always full."""
        return max(self.requests * self.load.latency / self.load.workers, self.raw_bytes / bandwidth)


def measure(contender: Contender, load: Load, certificate: Certificate, **environ: str) -> Result:
    """Run a contender to its end.

    Raises:
        RuntimeError: it failed, or did not deliver every conversation there is to deliver.
    """
    with serving(load, certificate) as servers:
        figures = _run(contender, {**_environment(load, servers), **environ})
        looker, warehouse = servers.figures()
    wanted = load.active if contender is Contender.DAILY else load.conversations
    rows = figures["conversations"] if contender is Contender.DLT else warehouse["rows"]
    if not wanted == rows == figures["conversations"]:
        raise RuntimeError(f"{contender.name} delivered {rows} of {wanted} conversations")
    return Result(
        load=load,
        cpu=figures["cpu"],
        wall=figures["wall"],
        peak_mb=figures["peak_mb"],
        conversations=int(figures["conversations"]),
        requests=sum(looker["requests"].values()),
        raw_bytes=looker["body_bytes"],
        loaded_bytes=warehouse["bytes"],
        looker_share=looker["cpu"] / figures["wall"],
        streamed_from=_streamed_from(looker["fetched_at"], warehouse["first_byte_at"]),
    )


def _streamed_from(fetched_at: list[float], first_byte_at: float | None) -> float | None:
    if first_byte_at is None or not fetched_at:
        return None
    return bisect_right(fetched_at, first_byte_at) / len(fetched_at)


def _run(contender: Contender, environ: dict[str, str]) -> dict[str, Any]:
    command = [contender.python, "-m", *filter(None, contender.value)]
    done = subprocess.run(command, env={**ENVIRON, **environ}, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise RuntimeError(f"{contender.name} failed:\n{done.stdout.decode()[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _environment(load: Load, servers: Servers) -> dict[str, str]:
    """Both names of what the function and looker-sdk call differently."""
    bundle = str(servers.certificate.bundle)
    looker = {"BASE_URL": servers.looker, "CLIENT_ID": "bench", "CLIENT_SECRET": "bench"}
    return {
        **{f"LOOKER_{name}": value for name, value in looker.items()},
        **{f"LOOKERSDK_{name}": value for name, value in looker.items()},
        "LOOKER_USER_QUERY_ID": "1",
        "GCP_PROJECT_ID": "bench",
        "BQ_ENDPOINT": servers.warehouse,
        "WORKERS": str(load.workers),
        "RUN_BUDGET_SECONDS": "3300",
        "RUN_LIMIT_SECONDS": "3540",
        "SSL_CERT_FILE": bundle,
        "REQUESTS_CA_BUNDLE": bundle,
    }
