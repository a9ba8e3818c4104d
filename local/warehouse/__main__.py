"""Run the emulator until interrupted: `python -m local.warehouse --port 19998 --data DIR`."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from local.warehouse.emulator import EmulatorUnavailable, emulator


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.warehouse", description="BigQuery's REST API, locally")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="directory of the data; kept between runs")
    options = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with emulator(options.data, options.port) as warehouse:
            print(f"BigQuery (project {warehouse.project}) listens on {warehouse.url}", flush=True)
            stop.wait()
    except EmulatorUnavailable as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
