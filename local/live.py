"""`make local`: the function on this machine, against the Looker of `.env`, into the emulator or into real BigQuery."""

import argparse
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from dotenv import dotenv_values
from rich.console import Console

from local.function import in_this_process
from local.rehearsal import DATASET, LOCATION, ROOT
from local.warehouse.deploy import deploy
from local.warehouse.emulator import emulator
from sluice.errors import SettingsError
from sluice.settings import Settings

FOLDER = ROOT / ".local" / "warehouse"

console = Console()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.live", description=__doc__)
    parser.add_argument("--env-file", type=Path, default=ROOT / ".env")
    parser.add_argument(
        "--real-bigquery",
        action="store_true",
        help="write to the tables of GCP_PROJECT_ID with your application-default credentials, not to the emulator",
    )
    given = parser.parse_args()
    if not given.env_file.is_file():
        raise SystemExit(f"{given.env_file} is missing: copy .env.example to it and fill in what it asks for")
    environ = {name: value for name, value in dotenv_values(given.env_file).items() if value}
    with contextlib.ExitStack() as stack:
        if not given.real_bigquery:
            environ |= stack.enter_context(_emulator())
        try:
            settings = Settings.load(**{name.lower(): value for name, value in environ.items()})
        except SettingsError as error:
            raise SystemExit(f"{given.env_file}: {error}") from error
        function = stack.enter_context(in_this_process(environ, settings.port))
        _explain(function.url, settings)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            console.print("stopped")


@contextlib.contextmanager
def _emulator() -> Iterator[dict[str, str]]:
    with emulator(FOLDER) as warehouse:
        client = warehouse.client()
        try:
            deploy(client, DATASET, LOCATION, ROOT / "sql")
        finally:
            client.close()
        yield {
            "GCP_PROJECT_ID": warehouse.project,
            "BQ_DATASET": DATASET,
            "BQ_TABLE": "conversations",
            "BQ_LOCATION": LOCATION,
            "BQ_ENDPOINT": warehouse.url,
        }


def _explain(url: str, settings: Settings) -> None:
    where = f"the emulator (its data stays in {FOLDER.relative_to(ROOT)})" if settings.emulated else "real BigQuery"
    console.print(
        f"Looker [bold]{settings.looker_base_url}[/bold] -> {where}, table {settings.bq_dataset}.{settings.bq_table}"
    )
    console.print("In another terminal, first look, then load:")
    for path in ("/historical?dry-run=true", "/daily"):
        console.print(f"  curl -X POST '{url}{path}'", highlight=False, soft_wrap=True)
    console.print("Stop with Ctrl-C.")


if __name__ == "__main__":
    main()
