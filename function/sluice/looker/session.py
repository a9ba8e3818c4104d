"""Who asks Looker: the admin of the API key, and any user the admin impersonates (sudo).

looker-sdk's AuthSession does the logins. What it lacks is added here: one admin token shared by every session (each
AuthSession has its own), locks (it has none), and JSON reading that does not slow down with every call (its
`deserialize` registers one more hook factory each time).
"""

import logging
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, cast

import msgspec
from looker_sdk.rtl import serialize
from looker_sdk.rtl.api_methods import APIMethods
from looker_sdk.rtl.api_settings import PApiSettings, SettingsConfig
from looker_sdk.rtl.auth_session import AuthSession
from looker_sdk.rtl.auth_token import AccessToken, AuthToken
from looker_sdk.rtl.transport import Transport, TransportOptions

from sluice.errors import (
    ImpersonationRefused,
    LoginRefused,
    LookerError,
    LookerMalformed,
    LookerMisdirected,
    LookerRefused,
)
from sluice.looker.brake import Brake
from sluice.looker.flight import Flight
from sluice.looker.transport import Options, PooledTransport
from sluice.settings import Settings

API_VERSION = "4.0"
TOKEN_SECONDS = 3600
"""How long a token lives unless Looker says otherwise: its own default."""
MAX_TOKEN_SECONDS = 86400
LOGOUT_SECONDS = 10.0
"""A token that cannot be logged out in that time dies of old age."""
KEY_STATUSES = {401, 404, 422}
"""How Looker refuses an API key; wrong credentials are a 404."""
FLIGHT_SHARE = 3
"""Bytes of large answers held at once, in sizes of the buffer behind them."""
USER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

REFUSED_HINT = (
    "The API key itself was not called wrong. Check that its user is not disabled and may use the API, that an IP "
    "allow-list holds the address the function's requests come from, and LOOKER_BASE_URL."
)

log = logging.getLogger(__name__)


class _Token(msgspec.Struct):
    # What fits a header and nothing else: http.client quotes what does not fit in its error.
    access_token: Annotated[str, msgspec.Meta(pattern=r"^[!-~]+\Z")]
    token_type: str | None = None
    expires_in: object = None

    @property
    def seconds(self) -> int:
        """How long it lives; looker-sdk, too, takes 3600.0 and null. A token that dies earlier is answered 401."""
        value = self.expires_in
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            with suppress(ValueError, OverflowError):
                return max(0, min(int(float(value)), MAX_TOKEN_SECONDS))
        return TOKEN_SECONDS


def _deserialize(*, data: str, structure: Any) -> AccessToken:
    try:
        token = msgspec.json.decode(data, type=_Token)
    except msgspec.DecodeError as error:
        raise LookerMalformed("the answer to a login holds no access token", step="login") from error
    return AccessToken(access_token=token.access_token, token_type=token.token_type or "", expires_in=token.seconds)


class _ApiSettings(PApiSettings):
    """The SDK's view of our settings; the secret is read only when a login needs it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.base_url = settings.looker_base_url
        self.verify_ssl = True
        self.timeout = settings.looker_timeout_seconds
        self.agent_tag = "sluice"
        self.headers = None

    def read_config(self) -> SettingsConfig:
        return {
            "client_id": self._settings.looker_client_id.get_secret_value(),
            "client_secret": self._settings.looker_client_secret.get_secret_value(),
        }


class _AdminAuth(AuthSession):
    def __init__(self, settings: PApiSettings, transport: Transport) -> None:
        super().__init__(settings, transport, cast(serialize.TDeserialize, _deserialize), API_VERSION)
        self._lock = threading.RLock()

    def _get_token(self, transport_options: TransportOptions) -> AuthToken:
        with self._lock:
            return super()._get_token(transport_options)

    def _login(self, transport_options: TransportOptions) -> None:
        try:
            super()._login(transport_options)
        except LookerRefused as error:
            if error.code in KEY_STATUSES and error.explained:
                raise LoginRefused(f"Looker refused the API key: HTTP {error.code}") from error
            raise LoginRefused(f"Looker refused the login: {error}", hint=REFUSED_HINT) from error
        except LookerMisdirected as error:
            raise LoginRefused(f"the login did not reach Looker's API: {error}", hint=error.hint) from error
        except LookerError as error:
            error.step = LoginRefused.step
            raise

    def current(self) -> str:
        return self.token.access_token

    def forget(self, stale: str) -> None:
        """Log in anew next time, unless somebody already has."""
        with self._lock:
            if self.token.access_token == stale:
                self.token = AuthToken()


class _SudoAuth(AuthSession):
    def __init__(self, admin: _AdminAuth, user_id: str) -> None:
        super().__init__(admin.settings, admin.transport, cast(serialize.TDeserialize, _deserialize), API_VERSION)
        # The SDK types user ids as integers; it only ever writes them into a path.
        self._sudo_id = cast(int, user_id)
        self._admin = admin
        self._lock = threading.RLock()

    def _get_token(self, transport_options: TransportOptions) -> AuthToken:
        return self._admin._get_token(transport_options)

    def _get_sudo_token(self, transport_options: TransportOptions) -> AuthToken:
        with self._lock:
            return super()._get_sudo_token(transport_options)

    def _login_sudo(self, transport_options: TransportOptions) -> None:
        stale = self._admin.current()
        try:
            super()._login_sudo(transport_options)
        except LookerRefused as error:
            error.step = ImpersonationRefused.step
            if error.code != 401:
                raise
            self._admin.forget(stale)
            super()._login_sudo(transport_options)

    def current(self) -> str:
        return self.sudo_token.access_token

    def forget(self, stale: str) -> None:
        with self._lock:
            if self.sudo_token.access_token == stale:
                self.sudo_token = AuthToken()


class Session:
    """One identity at the Looker API. Thread-safe; logs in at the first request, and anew when its token has died."""

    def __init__(self, auth: _AdminAuth | _SudoAuth) -> None:
        self._auth = auth
        self._api = APIMethods(auth, auth.deserialize, serialize.serialize40, auth.transport, API_VERSION)

    def get(self, path: str, *, once: bool = False, **query: str | int | bool) -> bytes:
        """GET /api/4.0{path}, the body as Looker sent it.

        `once` is for a request that starts work inside Looker, such as a query: where it may have arrived, it is not
        sent again.

        Raises:
            LookerRefused, LookerUnavailable, LookerMisdirected, LookerUntrusted, LookerMalformed: as
                PooledTransport.request.
            LoginRefused: the admin could not log in.
        """
        return self._authenticated(lambda: self._api.get(path, bytes, dict(query), Options(once=once)))

    def post(self, path: str, body: object, **query: str | int | bool) -> bytes:
        """POST /api/4.0{path} with `body` as JSON; never sent again where it may have arrived. Raises as `get`."""
        text = msgspec.json.encode(body).decode()
        options = Options(once=True, headers={"Content-Type": "application/json"})
        return self._authenticated(lambda: self._api.post(path, bytes, dict(query), text, options))

    @property
    def logged_in(self) -> bool:
        """Whether there is a token: where there is none, a request that failed was a login."""
        return bool(self._auth.current())

    def _authenticated(self, send: Callable[[], Any]) -> bytes:
        """Send; where the token has died, log in anew and send again: a request refused with 401 did nothing."""
        stale = self._auth.current()
        try:
            return cast(bytes, send())
        except LookerRefused as error:
            if error.code != 401:
                raise
            self._auth.forget(stale or self._auth.current())
            return cast(bytes, send())

    def close(self) -> None:
        """Log out where a token was opened. A refusal is logged: the token then dies of old age."""
        try:
            self._auth.logout(transport_options=Options(late=LOGOUT_SECONDS))
        except LookerError as error:
            log.warning("a token was not logged out", extra={"event": "logout_failed", "error": str(error)})


class Looker:
    """The instance: one pool of connections, one admin token, any number of impersonated users."""

    def __init__(self, settings: Settings, brake: Brake) -> None:
        self.flight = Flight(FLIGHT_SHARE * settings.buffer_bytes)
        self._transport = PooledTransport(
            settings.looker_base_url,
            timeout=settings.looker_timeout_seconds,
            retries=settings.looker_retries,
            brake=brake,
            flight=self.flight,
        )
        self._admin = _AdminAuth(_ApiSettings(settings), self._transport)
        self.admin = Session(self._admin)

    def sudo(self, user_id: str) -> Session:
        """A session as that user; nothing is sent until its first request.

        Raises:
            ValueError: the id is none that Looker gives.
        """
        if not USER_ID.fullmatch(user_id):
            raise ValueError("not a Looker user id")
        return Session(_SudoAuth(self._admin, user_id))

    @property
    def calls(self) -> int:
        """Requests sent so far, retries included."""
        return self._transport.calls

    def close(self) -> None:
        """Log the admin out and close the connections. Done twice, it does nothing."""
        self.admin.close()
        self._transport.close()
