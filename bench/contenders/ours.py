"""Contender 1: the function, from its environment. `daily` or `historical` is its only argument."""

import sys
from datetime import UTC, datetime

from bench.contenders.meter import metered
from sluice import heap, logs
from sluice.plan import Kind, Order
from sluice.run import new_run_id, run
from sluice.settings import Settings


def main() -> None:
    # As main.py does when the function starts.
    heap.bound()
    logs.setup()
    settings, order = Settings.load(), Order(Kind(sys.argv[1]))
    with metered() as figures:
        report = run(settings, order, new_run_id(datetime.now(UTC)))
        figures |= {"conversations": report.conversations["fetched"], "transfer": report.stages["transfer"]}
    if report.state != "completed" or report.conversations["rejected"]:
        raise SystemExit(f"the run is {report.state} with {report.conversations['rejected']} rejects")


if __name__ == "__main__":
    main()
