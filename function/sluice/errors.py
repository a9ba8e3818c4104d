"""Everything that can go wrong, and whether trying again may help.

SluiceError                      step, hint; 500 unless marked Retryable
├── SettingsError                configuration missing or wrong; names, never values
├── RequestError                 a malformed parameter of the HTTP request (400)
│   └── BodyRefused              a body that cannot be read (400), or is too large (413)
├── LookerError
│   ├── LookerUnavailable        Retryable: no answer, 429 or 5xx after every retry
│   ├── LookerRefused            one request answered 4xx; carries the status
│   ├── LookerMisdirected        a redirect, or a page: what answers is not Looker's API
│   ├── LookerUntrusted          the certificate is not accepted
│   ├── LookerMalformed          an answer that is not what the API documents
│   ├── LoginRefused             the admin could not log in
│   ├── ImpersonationRefused     sudo was refused for everybody
│   ├── ConversationsUnavailable the conversation endpoints were refused for everybody
│   └── QueryFailed              a System Activity query gave no rows
│       ├── DiscoveryFailed      nor a list of users
│       └── FeedbackFailed       nor ratings; the run goes on without
├── BudgetExceeded               Retryable: the time was over before anything was read
└── WarehouseError
    ├── WarehouseUnavailable     Retryable: BigQuery unreachable or overloaded, a job broken or not ended in time
    ├── TableMismatch            a table is missing or has not the expected schema
    ├── WarehouseRefused         BigQuery refused a request (permission, quota, billing, not found)
    ├── LoadFailed               the load job ended with an error
    └── CommitFailed             BigQuery refused what was staged, nothing was written

No message carries a token, a secret or the text of a conversation.
"""


class Retryable:
    """Marker: the same request may succeed later (HTTP 503)."""


class SluiceError(Exception):
    """A failure with the step it happened in and what to do about it.

    `str(error)` says what happened, `error.hint` what to do.
    """

    step = "run"
    hint = "Read the function's log of this run."

    def __init__(self, message: str, *, hint: str | None = None, step: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint or self.hint
        self.step = step or self.step

    @property
    def status(self) -> int:
        """HTTP status of the answer: 503 when trying again may help, else 500."""
        return 503 if isinstance(self, Retryable) else 500


class SettingsError(SluiceError):
    step = "settings"
    hint = "Set these environment variables (see .env.example) and deploy again."


class RequestError(SluiceError):
    """A parameter of the HTTP request is malformed; `parameter` names it."""

    step = "request"
    hint = "Correct the parameter and send the request again."

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter

    @property
    def status(self) -> int:
        return 400


class BodyRefused(RequestError):
    """The body of the HTTP request cannot be read to its end: 400, or 413 for one that is too large."""

    hint = "Send the request again, without a body."

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__("body", message)
        self._status = status

    @property
    def status(self) -> int:
        return self._status


class LookerError(SluiceError):
    step = "looker"


class LookerUnavailable(LookerError, Retryable):
    hint = "Looker did not answer after every retry. Check that it is up and reachable; the next run will catch up."


class LookerRefused(LookerError):
    """One request was answered with a 4xx; `code` is its status, `explained` tells whether it came with a reason."""

    def __init__(self, message: str, *, code: int, explained: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.explained = explained


class LookerMisdirected(LookerError):
    hint = "What answers is not Looker's API. LOOKER_BASE_URL must be the address of the API itself."


class LookerUntrusted(LookerError):
    hint = "Name a file with the authority of Looker's certificate in SSL_CERT_FILE or REQUESTS_CA_BUNDLE."


class LookerMalformed(LookerError):
    hint = "Looker's answer is not what its API documents. Check LOOKER_BASE_URL and the version of Looker."


class LoginRefused(LookerError):
    step = "login"
    hint = "Check LOOKER_CLIENT_ID and LOOKER_CLIENT_SECRET: they must be an API key of a Looker admin."


class ImpersonationRefused(LookerError):
    step = "impersonate"
    hint = (
        "The API user needs the Admin role to sudo as other users. "
        "Looker (Google Cloud core) only lets embed users be impersonated."
    )


class ConversationsUnavailable(LookerError):
    step = "list"
    hint = "Conversational Analytics must be enabled, and Looker be at 26.4 or later, for its conversations to be read."


class QueryFailed(LookerError):
    """A saved query of System Activity gave no rows; `setting` names the one that holds its id."""

    step = "query"
    setting = ""

    @classmethod
    def refused(cls, code: int) -> str:
        """What to do about a refusal with this status."""
        if code == 403:
            return f"The API user needs the Admin role, or see_system_activity, to run the query {cls.setting}."
        if code == 404:
            return f"{cls.setting} must be the id of a saved query, not of a Look; `make looker-query` makes one."
        return cls.inside()

    @classmethod
    def inside(cls) -> str:
        return f"Open the query {cls.setting} in Looker: it must run there. A field or Explore it names may be gone."

    @classmethod
    def unreadable(cls) -> str:
        return "Check LOOKER_BASE_URL: it must be the API's address, and no proxy or sign-in page may answer instead."

    @classmethod
    def once(cls) -> str:
        return (
            f"The query {cls.setting} was not answered, and was not started again, since it may still run inside "
            "Looker. Where it is slow, narrow it; the next run will catch up."
        )

    @classmethod
    def slow(cls) -> str:
        return f"The query {cls.setting} must be faster, or RUN_BUDGET_SECONDS longer. The next run starts it anew."


class DiscoveryFailed(QueryFailed):
    step = "discover"
    setting = "LOOKER_USER_QUERY_ID"
    hint = "The query LOOKER_USER_QUERY_ID must return a column of user ids; name it in LOOKER_USER_ID_KEY."


class FeedbackFailed(QueryFailed):
    """Never the end of a run: it is counted, and the run is partial."""

    step = "feedback"
    setting = "LOOKER_FEEDBACK_QUERY_ID"
    hint = "The query LOOKER_FEEDBACK_QUERY_ID must have the columns that the LOOKER_FEEDBACK_…_KEY settings name."


class BudgetExceeded(SluiceError, Retryable):
    step = "transfer"
    hint = "Raise RUN_BUDGET_SECONDS, or find out why Looker answers so slowly; the next run begins where this one did."


class WarehouseError(SluiceError):
    step = "warehouse"


class WarehouseUnavailable(WarehouseError, Retryable):
    hint = "BigQuery did not answer after every retry. The next run will catch up."


class TableMismatch(WarehouseError):
    step = "check tables"
    hint = "Create or update the tables with `pulumi up`."


class WarehouseRefused(WarehouseError):
    hint = "Grant the function's service account BigQuery Data Editor on the dataset and Job User on the project."


class LoadFailed(WarehouseError):
    step = "load"
    hint = (
        "Look at the load job in BigQuery: more rows were refused than a run may reject, or none could be read. "
        "Nothing was committed; the next run starts where this one did."
    )


class CommitFailed(WarehouseError):
    step = "commit"
    hint = "Look at the commit job in BigQuery. Nothing was committed; the next run starts where this one did."
