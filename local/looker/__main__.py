"""`python -m local.looker`: serve a simulated Looker until interrupted."""

import argparse
import threading

from local.looker.population import Population
from local.looker.server import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.looker", description=__doc__)
    parser.add_argument("--port", type=int, default=19999, help="0 takes any free port")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--users", type=int, default=12)
    parser.add_argument("--conversations", type=int, default=120)
    parser.add_argument("--mean-kb", type=float, default=24.0, help="mean size of a conversation, in KB")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every answer waits")
    given = parser.parse_args()
    population = Population(given.seed, given.users, given.conversations, given.mean_kb)
    with serve(population, port=given.port, latency_seconds=given.latency) as looker:
        print(f"LOOKER_BASE_URL={looker.url}")
        print(f"LOOKER_CLIENT_ID={looker.client_id}")
        print(f"LOOKER_CLIENT_SECRET={looker.client_secret}")
        print(f"LOOKER_USER_QUERY_ID={looker.query_id}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("stopped")


if __name__ == "__main__":
    main()
