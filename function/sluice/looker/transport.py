"""looker-sdk's Transport over the run's connections, with the only retry layer there is.

The transport the SDK ships keeps neither the status nor the headers of an error, retries nothing and pools ten
connections; and on every error the SDK downloads documentation from a CDN. This one raises before the SDK can.
"""

import random
import time
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import cast
from urllib.parse import urlencode, urlsplit

from looker_sdk.rtl import transport as rtl

from sluice.errors import LookerError, LookerRefused, LookerUnavailable
from sluice.looker.answers import error_of, is_whole, may_pass, retry_after
from sluice.looker.brake import Brake
from sluice.looker.connections import FAILURES, Answer, Connections, Failure
from sluice.looker.flight import Flight

FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 30.0

GRACE_SECONDS = 3.0
"""For what is under way when the run's time is over."""


class Options(rtl.TransportOptions, total=False):
    """The SDK's options of a request, and ours.

    Fields:
        once: the request starts work inside Looker, so it is not sent again where it may have arrived
        late: sent after the run's deadline too, with so many seconds for all attempts together
    """

    once: bool
    late: float


class PooledTransport(rtl.Transport):
    """Thread-safe. Every answer is bytes, every error one of `sluice.errors` with its status.

    Args:
        base_url: origin of the API, e.g. https://example.cloud.looker.com
        timeout: longest wait for an answer to begin, and from there for its end, in seconds
        retries: how often a request is sent again when that may help
        brake: shared by every request of the run; what is under way at its deadline is cut
        flight: bounds the bytes of large answers

    Raises:
        SettingsError: as Connections.
    """

    def __init__(self, base_url: str, *, timeout: float, retries: int, brake: Brake, flight: Flight) -> None:
        self._base_url = base_url
        self._retries = retries
        self._brake = brake
        self._connections = Connections(base_url, timeout=timeout, flight=flight)
        self._deaf = False

    @classmethod
    def configure(cls, settings: rtl.PTransportSettings) -> rtl.Transport:
        raise NotImplementedError("built by sluice.looker.session, which knows the run's brake")

    @property
    def calls(self) -> int:
        """Requests sent, retries included."""
        return self._connections.sent

    def close(self) -> None:
        self._connections.close()

    def request(
        self,
        method: rtl.HttpMethod,
        path: str,
        query_params: MutableMapping[str, str] | None = None,
        body: bytes | None = None,
        authenticator: rtl.TAuthenticator = None,
        transport_options: rtl.TransportOptions | None = None,
    ) -> rtl.Response:
        """Send one request, again where that may help.

        Raises:
            LookerUnavailable: no answer, 429 or 502-504 after every retry; the run's time is over.
            LookerMisdirected: a redirect, or a page instead of an error of Looker's.
            LookerUntrusted: the certificate is not accepted.
            LookerMalformed: a body that is too large, or compressed in an unknown way.
            LookerRefused: any other status of 400 or above; 500 after every retry.
        """
        # A fresh dict for the authenticator: it writes the headers of a login into the options it is given.
        headers = dict(authenticator({}) if authenticator else {})
        options = cast(Options, transport_options or {})
        headers |= options.get("headers") or {}
        target = path.removeprefix(self._base_url) + (f"?{urlencode(query_params)}" if query_params else "")
        call = f"{method.name} {urlsplit(path).path}"
        deadline, once = self._deadline(options.get("late"), call), options.get("once", False)
        for attempt in range(self._retries + 1):
            self._brake.wait()
            answer = self._send(method.name, target, body, headers, once=once, deadline=deadline)
            if isinstance(answer, Answer) and is_whole(answer):
                self._brake.answered()
                return rtl.Response(True, answer.data, rtl.ResponseMode.BINARY)
            if attempt == self._retries or time.monotonic() >= deadline() or not may_pass(answer, once=once):
                break
            if not self._pause(attempt, answer):
                break
        self._deaf = self._deaf or ("late" in options and isinstance(answer, FAILURES))
        raise self._failed(error_of(call, answer))

    def _deadline(self, late: float | None, call: str) -> Callable[[], float]:
        """By when all must be over. What is not to be sent any more raises LookerUnavailable."""
        if late is None:
            if self._brake.expired:
                raise LookerUnavailable(f"{call}: not sent, since the run's time is over")
            return lambda: self._brake.deadline + GRACE_SECONDS
        if self._deaf and self._brake.ending:
            raise LookerUnavailable(f"{call}: not sent, since Looker does not answer")
        return partial(float, time.monotonic() + late)

    def _send(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: dict[str, str],
        *,
        once: bool,
        deadline: Callable[[], float],
    ) -> Answer | Failure:
        try:
            return self._connections.send(method, target, body, headers, once=once, deadline=deadline)
        except FAILURES as error:
            return error

    def _pause(self, attempt: int, answer: Answer | Failure) -> bool:
        """Wait before the next attempt; False where the run has no time left for it."""
        pause = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt) * random.uniform(0.5, 1.0)
        asked = retry_after(answer)
        if asked is not None:
            # Everybody waits: what Looker limits is the instance, not one connection.
            return self._brake.hold(asked)
        return self._brake.sleep(pause)

    def _failed(self, error: LookerError) -> LookerError:
        if isinstance(error, LookerRefused):
            self._brake.answered()
        elif not self._brake.expired:  # what was cut then says nothing about Looker
            self._brake.unanswered()
        return error
