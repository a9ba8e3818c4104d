"""A plain HTTP client of the simulated Looker: urllib3, no retries, short time-outs."""

from dataclasses import dataclass, field
from typing import Any

import urllib3

from local.looker.app import Looker

API = "/api/4.0"


@dataclass
class Client:
    looker: Looker
    http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=5.0))

    def send(
        self, method: str, path: str, token: str | None = None, *, base: str = API, **options: Any
    ) -> urllib3.BaseHTTPResponse:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.http.request(method, self.looker.url + base + path, headers=headers, **options)

    def get(self, path: str, token: str | None = None, **params: str) -> Any:
        answer = self.send("GET", path, token, fields=params)
        assert answer.status == 200, (answer.status, path)
        return answer.json()

    def login(self) -> str:
        form = {"client_id": self.looker.client_id, "client_secret": self.looker.client_secret}
        answer = self.send("POST", "/login", fields=form, encode_multipart=False)
        assert answer.status == 200
        return str(answer.json()["access_token"])

    def sudo(self, user_id: str, admin: str | None = None) -> str:
        answer = self.send("POST", f"/login/{user_id}", admin or self.login())
        assert answer.status == 200, answer.status
        return str(answer.json()["access_token"])
