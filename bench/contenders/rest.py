"""Contender 4: dlt with a REST client, parallelized, into files of newline-delimited JSON. Runs in .venv-bench."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt  # type: ignore[import-not-found,unused-ignore]  # in an environment of its own
from dlt.sources.helpers import requests  # type: ignore[import-not-found,unused-ignore]  # as above
from dlt.sources.helpers.rest_client import RESTClient  # type: ignore[import-not-found,unused-ignore]  # as above
from dlt.sources.helpers.rest_client.auth import (  # type: ignore[import-not-found,unused-ignore]  # as above
    BearerTokenAuth,
)

from bench.contenders.meter import metered
from bench.contenders.pruning import prune

PAGE = 100

type Row = dict[str, Any]


class Source:
    """Users -> their listings -> their conversations, the last two in parallel."""

    def __init__(self, url: str, query_id: str) -> None:
        session = requests.Client(raise_for_status=False, max_connections=int(os.environ["WORKERS"])).session
        self._client = RESTClient(base_url=f"{url}/api/4.0", session=session)
        self._query_id = query_id
        self._admin = self._client.post("/login").json()["access_token"]

    def conversations(self) -> Any:
        # dlt marks what it is given, which bound methods do not bear.
        users = dlt.resource(lambda: self._users(), name="users")
        listed = dlt.transformer(lambda rows: self._listed(rows), name="listed", data_from=users, parallelized=True)
        return dlt.transformer(
            lambda found: self._fetched(found),
            name="conversations",
            data_from=listed,
            parallelized=True,
            max_table_nesting=0,
        )

    def _get(self, token: str, path: str, **query: str | int) -> Any:
        return self._client.get(path, params=query, auth=BearerTokenAuth(token)).json()

    def _users(self) -> Iterator[list[Row]]:
        yield self._get(self._admin, f"/queries/{self._query_id}/run/json", limit=-1)

    def _listed(self, users: list[Row]) -> Iterator[Any]:
        for user in users:
            yield dlt.defer(self._listing)(str(user["user.id"]))

    def _listing(self, user_id: str) -> list[tuple[str, str]]:
        token = self._client.post(f"/login/{user_id}", auth=BearerTokenAuth(self._admin)).json()["access_token"]
        wanted: dict[str, Any] = {"fields": "id,updated_at", "sorts": "updated_at desc", "limit": PAGE}
        found: list[tuple[str, str]] = []
        while True:
            page = self._get(token, "/conversations/search", **wanted, offset=len(found))
            found += [(token, each["id"]) for each in page]
            # The paginators of dlt ask once more after a short page; this asks no more than needed.
            if len(page) < PAGE:
                return found

    def _fetched(self, listed: list[tuple[str, str]]) -> Iterator[Any]:
        for token, conversation_id in listed:
            yield dlt.defer(self._conversation)(token, conversation_id)

    def _conversation(self, token: str, conversation_id: str) -> Row:
        return prune(self._get(token, f"/conversations/{conversation_id}"))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "RUNTIME__LOG_LEVEL": "ERROR",
            "EXTRACT__WORKERS": os.environ["WORKERS"],
            "EXTRACT__MAX_PARALLEL_ITEMS": os.environ["WORKERS"],
            "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
        }
        pipeline = dlt.pipeline(
            "bench",
            pipelines_dir=str(folder / "pipelines"),
            destination=dlt.destinations.filesystem(bucket_url=(folder / "files").as_uri()),
            dataset_name="looker_agents",
        )
        with metered() as figures:
            source = Source(os.environ["LOOKER_BASE_URL"], os.environ["LOOKER_USER_QUERY_ID"])
            pipeline.run(source.conversations(), loader_file_format="jsonl")
            rows = pipeline.last_trace.last_normalize_info.row_counts["conversations"]
            figures["conversations"] = rows


if __name__ == "__main__":
    main()
