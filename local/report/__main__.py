"""python -m local.report: write the report of a warehouse, a real one or the emulator."""

import argparse
import sys
from pathlib import Path

from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import bigquery

from local.report.figures import DAYS, gather
from local.report.page import render


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        client = _client(options.project, options.endpoint)
        figures = gather(client, f"{client.project}.{options.dataset}", show_text=options.show_text)
        options.out.write_text(render(figures), encoding="utf-8")
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
    parser.add_argument("--project", required=True, help="project of the dataset")
    parser.add_argument("--dataset", required=True, help="dataset with the tables and views of sql/")
    parser.add_argument("--out", required=True, type=Path, help="HTML file to write")
    parser.add_argument("--endpoint", help="address of an emulator; real BigQuery without it")
    parser.add_argument("--show-text", action="store_true", help="include what users asked; hidden otherwise")
    return parser


def _client(project: str, endpoint: str | None) -> bigquery.Client:
    if endpoint is None:
        return bigquery.Client(project=project)
    return bigquery.Client(
        project=project,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": endpoint},
    )


def _said(error: GoogleAPICallError) -> str:
    return str(error.message).partition("\n")[0]


def _fail(message: str) -> int:
    print(f"report: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
