"""`python -m ops looker-query`: make the System Activity query that the function reads, and say its id."""

import argparse
import os
from pathlib import Path

from dotenv import dotenv_values

from ops import looker_query
from sluice.errors import SluiceError
from sluice.settings import Settings

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m ops", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("looker-query", help=looker_query.__doc__, description=looker_query.__doc__)
    command.add_argument("--env-file", type=Path, default=ROOT / ".env", help="beside the environment, which wins")
    given = parser.parse_args(arguments)
    try:
        looker_query.make(_settings(given.env_file))
    except SluiceError as error:
        raise SystemExit(f"{error.step}: {error}\n{error.hint}") from error


def _settings(env_file: Path) -> Settings:
    """The function's own, of which only those of Looker count here; the environment wins over the file.

    Raises:
        SettingsError: as Settings.load.
    """
    given = {**dotenv_values(env_file), **os.environ}
    looker = {name.lower(): value for name, value in given.items() if name.startswith("LOOKER_") and value}
    # What is wrong with a query that is replaced here must not stand in the way.
    return Settings.load(**{**looker, "looker_user_query_id": "", "gcp_project_id": "none"})


if __name__ == "__main__":
    main()
