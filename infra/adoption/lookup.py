"""Ids that Google chooses: alert policies, channels and dashboards, found by what this stack calls them."""

import os
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import google.auth
import requests
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession

SCOPE = "https://www.googleapis.com/auth/monitoring.read"
SECONDS = 30.0
# The provider's own variable, so that both look at the same place.
ADDRESS = "GOOGLE_MONITORING_CUSTOM_ENDPOINT"
LISTS = {
    "gcp:monitoring/alertPolicy:AlertPolicy": ("v3", "alertPolicies"),
    "gcp:monitoring/dashboard:Dashboard": ("v1", "dashboards"),
    "gcp:monitoring/notificationChannel:NotificationChannel": ("v3", "notificationChannels"),
}


class LookupFailed(Exception):
    """Cloud Monitoring did not answer; says why."""


class Monitoring:
    """What Cloud Monitoring lists in a project."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._address = os.environ.get(ADDRESS, "https://monitoring.googleapis.com/").rstrip("/")
        self._session: requests.Session | None = None
        self._listed: dict[str, list[dict[str, Any]]] = {}

    def named(self, kind: str, display_name: str, labels: Mapping[str, str]) -> list[str]:
        """Ids of the resources of `kind` with this display name and, where they have labels, with these.

        Raises:
            LookupFailed: there are no credentials, or no answer.
        """
        if kind not in self._listed:
            self._listed[kind] = list(self._list(*LISTS[kind]))
        return [
            item["name"]
            for item in self._listed[kind]
            if item.get("displayName") == display_name
            and all((item.get("userLabels") or labels).get(key) == value for key, value in labels.items())
        ]

    def _list(self, release: str, collection: str) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            url = f"{self._address}/{release}/projects/{self._project}/{collection}"
            try:
                answer = self._connection().get(url, params={"pageToken": token} if token else {}, timeout=SECONDS)
                answer.raise_for_status()
                page = answer.json()
            except (requests.RequestException, GoogleAuthError) as error:
                raise LookupFailed(f"Cloud Monitoring did not list {collection}: {type(error).__name__}") from error
            yield from page.get(collection, [])
            token = page.get("nextPageToken", "")
            if not token:
                return

    def _connection(self) -> requests.Session:
        if self._session is None:
            loopback = urlsplit(self._address).hostname in {"127.0.0.1", "localhost"}
            self._session = requests.Session() if loopback else AuthorizedSession(google.auth.default([SCOPE])[0])
        return self._session
