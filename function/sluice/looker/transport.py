"""looker-sdk's Transport over the run's connections, with the only retry layer there is.

The transport the SDK ships keeps neither the status nor the headers of an error, retries nothing and pools ten
connections; and on every error the SDK downloads documentation from a CDN. This one raises before the SDK can.
"""

import random
from collections.abc import MutableMapping
from urllib.parse import urlencode, urlsplit

from looker_sdk.rtl import transport as rtl

from sluice.errors import LookerRefused, LookerUnavailable
from sluice.looker.brake import Brake
from sluice.looker.connections import FAILURES, Answer, Connections, Failure

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
LONGEST_RETRY_AFTER_SECONDS = 300.0

# A load balancer answers 502-504 for an instance that is restarting; 500 is the instance's own failure.
AWAY = {502, 503, 504}
RETRIED = {429, 500} | AWAY


class Options(rtl.TransportOptions, total=False):
    """The SDK's options of a request, and ours.

    `once`: the request starts work inside Looker, so it is not sent again where it may have arrived.
    """

    once: bool


class PooledTransport(rtl.Transport):
    """Thread-safe. Every answer is bytes, every error one of `sluice.errors` with its status.

    Args:
        base_url: origin of the API, e.g. https://example.cloud.looker.com
        timeout: longest wait for an answer, in seconds
        retries: how often a request is sent again when that may help
        brake: shared by every request of the run
    """

    def __init__(self, base_url: str, *, timeout: float, retries: int, brake: Brake) -> None:
        self._base_url = base_url
        self._retries = retries
        self._brake = brake
        self._connections = Connections(base_url, timeout=timeout)

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
            LookerUnavailable: no answer, 429 or 502-504 after every retry.
            LookerRefused: any other status of 300 or above; 500 after every retry.
        """
        # A fresh dict for the authenticator: it writes the headers of a login into the options it is given.
        headers = dict(authenticator({}) if authenticator else {})
        headers |= (transport_options or {}).get("headers") or {}
        once = bool((transport_options or {}).get("once"))
        target = path.removeprefix(self._base_url) + (f"?{urlencode(query_params)}" if query_params else "")
        for attempt in range(self._retries + 1):
            self._brake.wait()
            answer = self._send(method.name, target, body, headers, once=once)
            if not isinstance(answer, FAILURES) and answer.status < 300 and not _broken(answer):
                self._brake.answered()
                return rtl.Response(True, answer.data, rtl.ResponseMode.BINARY)
            if not _may_pass(answer, once=once) or attempt == self._retries or not self._pause(attempt, answer):
                break
        raise self._failure(f"{method.name} {urlsplit(path).path}", answer)

    def _send(
        self, method: str, target: str, body: bytes | None, headers: dict[str, str], *, once: bool
    ) -> Answer | Failure:
        try:
            return self._connections.send(method, target, body, headers, once=once)
        except FAILURES as error:
            return error

    def _pause(self, attempt: int, answer: Answer | Failure) -> bool:
        """Wait before the next attempt; False where the run has no time left for it."""
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt) * random.uniform(0.5, 1.0)
        asked = _retry_after(answer)
        if asked is not None:
            # Everybody waits: what Looker limits is the instance, not one connection.
            return self._brake.hold(asked)
        return self._brake.sleep(pause)

    def _failure(self, call: str, answer: Answer | Failure) -> Exception:
        if isinstance(answer, FAILURES):
            self._brake.unanswered()
            return LookerUnavailable(f"{call}: {type(answer).__name__}")
        if answer.status < 300:
            self._brake.unanswered()
            return LookerUnavailable(f"{call}: an answer that is not JSON")
        if answer.status == 429 or answer.status in AWAY:
            self._brake.unanswered()
            return LookerUnavailable(f"{call}: HTTP {answer.status}")
        self._brake.answered()
        return LookerRefused(f"{call}: HTTP {answer.status}", code=answer.status)


def _may_pass(answer: Answer | Failure, *, once: bool) -> bool:
    if once:  # only a rate limit tells for certain that nothing was begun
        return isinstance(answer, Answer) and answer.status == 429
    return isinstance(answer, FAILURES) or answer.status in RETRIED or _broken(answer)


def _broken(answer: Answer) -> bool:
    """A success that holds the HTML page of something in between, or JSON that was cut short."""
    text = answer.data.strip()
    ends = {b"{": b"}", b"[": b"]"}.get(text[:1], text[-1:])
    return answer.status < 300 and (text.startswith(b"<") or not text.endswith(ends))


def _retry_after(answer: Answer | Failure) -> float | None:
    """Seconds asked for by a Retry-After header; its date form is rare enough to fall back to our own pause."""
    text = answer.retry_after if isinstance(answer, Answer) else ""
    return min(float(text), LONGEST_RETRY_AFTER_SECONDS) if text.isdecimal() else None
