"""The simulated API, under /api/4.0, and the state behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.looker import users
from local.looker.answers import Refusal, json_answer, json_error
from local.looker.cast import Standing
from local.looker.conversations import LISTED, Conversation
from local.looker.faults import Faults
from local.looker.journal import Journal
from local.looker.population import Population
from local.looker.queries import Queries
from local.looker.search import search
from local.looker.tokens import ADMIN, Tokens
from local.looker.wire import Wire, bearer

ADMIN_ID = "1"


@dataclass(frozen=True, kw_only=True)
class Options:
    """How this Looker is set up.

    `token_seconds` is the life of a token, `token_prefix` how each begins, `latency_seconds` what every answer waits.
    `impersonation_allowed=False` refuses every `login_user` with 403, as Looker (Google Cloud core) does for regular
    users. `page_cap` is the most conversations a search answers with, whatever its limit; with `narrow_search=False` a
    search is refused (422) when it is to be sorted or narrowed to fields. The rest shapes the System Activity query of
    the users: the column that holds the user, ids as text, every row twice, a failure inside Looker, or a column with
    each user's last activity. A query takes `query_seconds`; `query_tasks=False` knows no tasks that run one.
    `feedback_query_id` is the query of the ratings.
    """

    client_id: str = "simulated-client-id"
    client_secret: str = "simulated-client-secret"  # noqa: S105 (it opens nothing but this simulation)
    query_id: str = "4242"
    feedback_query_id: str = "2424"
    token_seconds: float = 3600.0
    token_prefix: str = ""
    latency_seconds: float = 0.0
    impersonation_allowed: bool = True
    page_cap: int | None = None
    narrow_search: bool = True
    discovery_field: str = "user.id"
    discovery_text_ids: bool = False
    discovery_duplicates: bool = False
    discovery_error: str | None = None
    discovery_active_only: bool = False
    discovery_activity_field: str | None = None
    query_tasks: bool = True
    query_seconds: float = 0.0


class Looker:
    """One simulated Looker: its population, tokens, faults and journal. `url` is empty until it is served."""

    def __init__(self, population: Population, options: Options) -> None:
        self.population = population
        self.options = options
        self.url = ""
        self.client_id = options.client_id
        self.client_secret = options.client_secret
        self.query_id = options.query_id
        self.tokens = Tokens(options.token_seconds, options.token_prefix)
        self.faults = Faults()
        self.requests = Journal()
        self.queries = Queries(self)

    @property
    def open_tokens(self) -> int:
        """Tokens alive now, the admin's included."""
        return self.tokens.open()

    @property
    def peak_open_tokens(self) -> int:
        """The most tokens that were alive at once."""
        return self.tokens.peak


def application(looker: Looker) -> Starlette:
    """The ASGI application of a Looker."""
    api = _Api(looker)
    wire = Middleware(
        Wire,
        tokens=looker.tokens,
        faults=looker.faults,
        journal=looker.requests,
        latency_seconds=looker.options.latency_seconds,
    )
    return Starlette(
        routes=api.routes(), middleware=[wire], exception_handlers={Refusal: _refused, HTTPException: _failed}
    )


class _Api:
    """The endpoints; each raises Refusal where Looker answers with an error."""

    def __init__(self, looker: Looker) -> None:
        self.looker = looker
        self.options = looker.options
        self.population = looker.population
        self.tokens = looker.tokens

    def routes(self) -> list[Route]:
        api = "/api/4.0"
        table: list[tuple[str, str, Callable[[Request], Any]]] = [
            ("POST", f"{api}/login", self.login),
            ("POST", f"{api}/login/{{user_id}}", self.login_user),
            ("DELETE", f"{api}/logout", self.logout),
            ("DELETE", "/api/logout", self.logout),
            ("GET", f"{api}/user", self.me),
            ("GET", f"{api}/users/search", self.users),
            ("GET", f"{api}/users/{{user_id}}", self.user),
            *self.looker.queries.routes(api, self._admin),
            ("GET", f"{api}/conversations/search", self.search),
            ("GET", f"{api}/conversations/{{conversation_id}}", self.conversation),
            ("GET", f"{api}/conversations/{{conversation_id}}/messages", self.messages),
        ]
        return [Route(path, endpoint, methods=[method]) for method, path, endpoint in table]

    async def login(self, request: Request) -> Response:
        if "client_secret" in request.query_params or "client_id" in request.query_params:
            raise Refusal(400, "Send client_id and client_secret in the request body, not in the query.")
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        given = (form.get("client_id"), form.get("client_secret"))
        # Wrong credentials are told as 404 "Not found" (seen in bufferapp/lookerpy issue 7), not as 401.
        if given != ([self.options.client_id], [self.options.client_secret]):
            raise Refusal(404)
        return self._token(ADMIN)

    async def login_user(self, request: Request) -> Response:
        self._admin(request)
        if not self.options.impersonation_allowed:
            raise Refusal(403)
        if request.path_params["user_id"] == ADMIN_ID:
            return self._token(ADMIN_ID)
        user = self.population.user(request.path_params["user_id"])
        if user is None or user.standing is Standing.DELETED:
            raise Refusal(404)
        if user.standing is Standing.DISABLED:
            raise Refusal(403)
        return self._token(user.key)

    async def logout(self, request: Request) -> Response:
        self._caller(request)
        self.tokens.revoke(bearer(request.scope))
        return Response(status_code=204)

    async def me(self, request: Request) -> Response:
        caller = self._caller(request)
        user = self.population.user(caller)
        if user is None:
            return json_answer({"can": {}, "id": ADMIN_ID, "display_name": "API administrator", "is_disabled": False})
        shown = {"can": {}, "id": user.key, "email": user.email, "display_name": user.email.partition("@")[0]}
        return json_answer({**shown, "is_disabled": False})

    async def user(self, request: Request) -> Response:
        self._admin(request)
        user = self.population.user(request.path_params["user_id"])
        if user is None or user.standing is Standing.DELETED:
            raise Refusal(404)
        shown = {
            "can": {},
            "id": user.key,
            "email": user.email,
            "display_name": user.email.partition("@")[0],
            "is_disabled": user.standing is Standing.DISABLED,
        }
        names = _names(request.query_params.get("fields"))
        return json_answer({name: value for name, value in shown.items() if not names or name in names})

    async def users(self, request: Request) -> Response:
        self._admin(request)
        found = users.search(self.population.users, request.query_params, ADMIN_ID)
        return json_answer(found[: self.options.page_cap])

    async def search(self, request: Request) -> Response:
        query = request.query_params
        if not self.options.narrow_search and (refused := query.keys() & {"fields", "sorts"}):
            raise Refusal(422, field=min(refused))
        found = search(self.population.conversations_of(self._caller(request)), query)[: self.options.page_cap]
        names = _names(query.get("fields")) or LISTED
        return json_answer([each.fields(names) for each in found])

    async def conversation(self, request: Request) -> Response:
        found = self._owned(request)
        names = _names(request.query_params.get("fields"))
        if names:
            return json_answer(found.fields(names))
        return Response(found.body(), media_type="application/json")

    async def messages(self, request: Request) -> Response:
        names = _names(request.query_params.get("fields"))
        messages = self._owned(request).sent() or []
        if names:
            messages = [{name: value for name, value in each.items() if name in names} for each in messages]
        return json_answer(messages)

    def _caller(self, request: Request) -> str:
        owner = self.tokens.owner(bearer(request.scope))
        if owner is None:
            raise Refusal(401)
        return owner

    def _admin(self, request: Request) -> None:
        if self._caller(request) != ADMIN:
            raise Refusal(403)

    def _owned(self, request: Request) -> Conversation:
        caller = self._caller(request)
        found = self.population.conversation(request.path_params["conversation_id"])
        if found is None or found.user_id != caller:
            raise Refusal(404)
        return found

    def _token(self, owner: str) -> Response:
        body = {"access_token": self.tokens.issue(owner), "token_type": "Bearer", "refresh_token": None}
        return json_answer({**body, "expires_in": int(self.options.token_seconds)})


def _names(fields: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (fields or "").split(",") if name.strip())


async def _refused(request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, Refusal):
        raise refusal
    return json_error(refusal.status, request.method, request.url.path, str(refusal), refusal.field)


async def _failed(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return json_error(status, request.method, request.url.path)
