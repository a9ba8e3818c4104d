"""python -m local.report: write the report of a warehouse: real BigQuery, or an emulator."""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import bigquery

from local.report.figures import DAYS, gather
from local.report.page import render
from local.warehouse.emulator import EmulatorUnavailable, emulator


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        with _client(options) as client:
            figures = gather(client, f"{client.project}.{options.dataset}", show_text=options.show_text)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(render(figures), encoding="utf-8")
    except EmulatorUnavailable as error:
        return _fail(str(error))
    except DefaultCredentialsError:
        return _fail("no credentials for Google Cloud; run `gcloud auth application-default login`, or give --endpoint")
    except NotFound as error:
        return _fail(
            f"{options.dataset} lacks what the report reads; deploy its tables and views first ({_said(error)})"
        )
    except GoogleAPICallError as error:
        return _fail(f"BigQuery refused: {_said(error)}")
    except OSError as error:
        return _fail(f"{options.out} cannot be written: {error.strerror}")
    print(options.out.resolve())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.report", description=f"Report on the last {DAYS} days.")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--project", help="project of the dataset, in real BigQuery or at --endpoint")
    where.add_argument("--data", type=Path, help="folder of an emulator that is not running, as `make demo` leaves it")
    parser.add_argument("--dataset", required=True, help="dataset with the tables and views of sql/")
    parser.add_argument("--out", required=True, type=Path, help="HTML file to write")
    parser.add_argument("--endpoint", help="address of a running emulator")
    parser.add_argument("--show-text", action="store_true", help="include what users asked; hidden otherwise")
    return parser


@contextlib.contextmanager
def _client(options: argparse.Namespace) -> Iterator[bigquery.Client]:
    with contextlib.ExitStack() as stack:
        if options.data is not None:
            if not options.data.is_dir():
                raise EmulatorUnavailable(f"{options.data} is not there: run `make demo` first, or give PROJECT=")
            client = stack.enter_context(emulator(options.data)).client()
        elif options.endpoint is not None:
            address = {"api_endpoint": options.endpoint}
            client = bigquery.Client(options.project, AnonymousCredentials(), client_options=address)
        else:
            client = bigquery.Client(project=options.project)
        stack.callback(client.close)
        yield client


def _said(error: GoogleAPICallError) -> str:
    return str(error.message).partition("\n")[0]


def _fail(message: str) -> int:
    print(f"report: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
