"""Contenders 2 and 3: the program one writes with looker-sdk, as documented, and with its faults mended.

`typed` is the straightforward one, `mended` the same without the leak in the SDK's `deserialize`, `raw` reads bodies as
text instead of models. All have one SDK per worker, prune on dicts, and load at the end with `load_table_from_json`.
"""

import json
import os
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import looker_sdk
from cattrs.cols import is_sequence, list_structure_factory
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from looker_sdk.rtl import serialize
from looker_sdk.rtl.auth_session import AuthSession
from looker_sdk.sdk.api40.methods import Looker40SDK

from bench.contenders.meter import metered
from bench.contenders.pruning import prune

PAGE = 100

type Row = dict[str, Any]


class Program:
    """Rows of all users, fetched by `workers` threads; the unit of work is a user."""

    def __init__(self, kind: str, workers: int) -> None:
        self._kind = kind
        self._workers = workers
        self._local = threading.local()

    def rows(self) -> list[Row]:
        admin = connect(self._kind)
        users = json.loads(admin.run_query(os.environ["LOOKER_USER_QUERY_ID"], "json", limit=-1))
        with ThreadPoolExecutor(self._workers) as pool:
            found = pool.map(self._user, [str(user["user.id"]) for user in users])
            return [row for rows in found for row in rows]

    def _user(self, user_id: str) -> list[Row]:
        sdk = self._sdk()
        sdk.auth.login_user(user_id)  # type: ignore[arg-type]  # typed as an integer, written into a path
        try:
            return [self._conversation(sdk, each) for each in self._listing(sdk)]
        finally:
            sdk.logout()

    def _sdk(self) -> Looker40SDK:
        if not hasattr(self._local, "sdk"):
            self._local.sdk = connect(self._kind)
        sdk: Looker40SDK = self._local.sdk
        return sdk

    def _listing(self, sdk: Looker40SDK) -> list[str]:
        ids: list[str] = []
        while True:
            page = sdk.search_conversations(
                fields="id,updated_at", sorts="updated_at desc", limit=PAGE, offset=len(ids)
            )
            ids += [str(each.id) for each in page]
            if len(page) < PAGE:
                return ids

    def _conversation(self, sdk: Looker40SDK, conversation_id: str) -> Row:
        if self._kind == "raw":
            conversation = json.loads(cast(str, sdk.get(f"/conversations/{conversation_id}", str)))
        else:
            conversation = json.loads(serialize.serialize40(api_model=sdk.get_conversation(conversation_id)))
        row = prune(conversation)
        return {**row, "messages": json.dumps(row["messages"]), "sources": json.dumps(row.get("sources"))}


def connect(kind: str) -> Looker40SDK:
    """An SDK of its own: as shipped, or with a `deserialize` that does not register one more hook at every call."""
    shipped = looker_sdk.init40()
    if kind == "typed":
        return shipped
    auth = AuthSession(shipped.auth.settings, shipped.transport, cast(serialize.TDeserialize, _deserialize), "4.0")
    return Looker40SDK(
        auth, cast(serialize.TDeserialize, _deserialize), serialize.serialize40, shipped.transport, "4.0"
    )


def _deserialize(*, data: str, structure: Any) -> Any:
    return serialize.converter40.structure(json.loads(data), structure)


def load(rows: list[Row]) -> None:
    client = bigquery.Client(
        project="bench",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": os.environ["BQ_ENDPOINT"]},
    )
    config = bigquery.LoadJobConfig(autodetect=True)
    client.load_table_from_json(rows, "bench.looker_agents.conversations", job_config=config).result()


def main() -> None:
    kind = sys.argv[1]
    warnings.filterwarnings("ignore", category=UserWarning)
    if kind != "typed":
        # What the SDK's `deserialize` does each time.
        serialize.converter40.register_structure_hook_factory(is_sequence, list_structure_factory)
    program = Program(kind, int(os.environ["WORKERS"]))
    with metered() as figures:
        rows = program.rows()
        load(rows)
        figures["conversations"] = len(rows)


if __name__ == "__main__":
    main()
