"""The only list of the environment variables of the function.

`.env.example`, the README's table and the deployed function's variables are generated from it.
"""

import re
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sluice.errors import SettingsError

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
MEBIBYTE = 1024 * 1024


def worded(pattern: str, wanted: str) -> AfterValidator:
    """A text that matches; the error says what is `wanted` and quotes no pattern."""
    rule = re.compile(pattern)

    def check(text: str) -> str:
        if not rule.fullmatch(text):
            raise ValueError(f"must be {wanted}")
        return text

    return AfterValidator(check)


def sentence(details: Any) -> str:
    """What one of pydantic's errors says of a value, as what must be true."""
    text: str = details["msg"].removeprefix("Value error, ")
    return text.replace("Input should", "must").replace("String should", "must")


Identifier = Annotated[str, worded(r"[A-Za-z0-9_]{1,1024}", "1 to 1024 letters, digits and _")]
Key = r"(|projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+)"


class Settings(BaseSettings):
    """Configuration of one installation, read from the environment; immutable.

    The environment name of a field is its name in capitals.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    looker_base_url: str = Field(
        description="Address of the Looker API, e.g. https://example.cloud.looker.com (port 19999 if yours needs it)."
    )
    looker_client_id: SecretStr = Field(min_length=1, description="Client id of an API key of a Looker admin.")
    looker_client_secret: SecretStr = Field(min_length=1, description="Client secret of that API key.")
    looker_user_query_id: Annotated[str, worded(r"[A-Za-z0-9]*", "letters and digits")] = Field(
        default="",
        description="Id of a saved System Activity query that lists the users of Conversational Analytics. "
        "Empty: all enabled users of the instance, from the API.",
    )
    looker_user_id_key: str = Field(
        default="",
        description="Column of that query that holds the user id; empty: user.id, else history.user_id.",
    )
    looker_user_activity_key: str = Field(
        default="",
        description="Column of that query with the time of a user's last activity; plain daily runs then leave out who "
        "was not active since their watermark. Empty: nobody is left out.",
    )
    looker_feedback_query_id: Annotated[str, worded(r"[A-Za-z0-9]*", "letters and digits")] = Field(
        default="",
        description="Id of a saved System Activity query with the ratings of conversations. Empty: none are fetched.",
    )
    looker_feedback_conversation_key: str = Field(
        default="conversation.id", min_length=1, description="Column of that query with the id of the conversation."
    )
    looker_feedback_rating_key: str = Field(
        default="conversation_sa_telemetry.rating", min_length=1, description="Column of that query with the rating."
    )
    looker_feedback_time_key: str = Field(
        default="conversation_sa_telemetry.timestamp",
        min_length=1,
        description="Column of that query with the time of the rating; in UTC unless it says otherwise.",
    )
    looker_feedback_user_key: str = Field(
        default="", description="Column of that query with the id of the user who rated. Empty: not fetched."
    )
    looker_feedback_comment_key: str = Field(
        default="", description="Column of that query with what the user wrote. Empty: not fetched."
    )
    looker_timeout_seconds: int = Field(
        default=120, ge=5, le=600, description="Longest wait for an answer of Looker, in seconds."
    )
    looker_retries: int = Field(
        default=5, ge=0, le=10, description="Retries of a request that failed in a way that may pass."
    )
    looker_page_size: int = Field(default=100, ge=1, le=1000, description="Conversations listed per request.")
    gcp_project_id: Annotated[str, worded(r"[a-z0-9.:-]{1,100}", "the id of a Google Cloud project")] = Field(
        description="Google Cloud project that holds the dataset and runs the jobs.",
    )
    bq_dataset: Identifier = Field(default="looker_agents", description="BigQuery dataset of all tables.")
    bq_table: Identifier = Field(default="conversations", description="Table of the conversations.")
    bq_location: Annotated[str, worded(r"[A-Za-z0-9-]+", "letters, digits and -, e.g. US or europe-west1")] = Field(
        default="US", description="Location of the dataset."
    )
    bq_kms_key: Annotated[str, worded(Key, "projects/…/cryptoKeys/… or empty")] = Field(
        default="",
        description="Cloud KMS key (projects/…/cryptoKeys/…) that encrypts what jobs write, results of queries too; "
        "empty for the dataset's own.",
    )
    bq_endpoint: str = Field(
        default="https://bigquery.googleapis.com",
        description="Address of the BigQuery API; a loopback address is an emulator and gets no credentials.",
    )
    dry_run: bool = Field(
        default=False, description="true: fetch and report, write nothing, whatever the request says."
    )
    workers: int = Field(
        default=50,
        ge=1,
        le=200,
        validation_alias=AliasChoices("workers", "looker_workers"),
        description="Requests to Looker under way at the same time.",
    )
    lookback_days: int = Field(
        default=1, ge=0, le=3650, description="Whole days before today that the very first daily run covers."
    )
    overlap_minutes: int = Field(
        default=60,
        ge=0,
        le=10080,
        description="How far before its watermark a user's next window begins, in minutes.",
    )
    include_deleted: bool = Field(
        default=False, description="true: also fetch soft-deleted conversations, by a second listing."
    )
    run_budget_seconds: int = Field(
        default=1500,
        ge=1,
        le=3300,
        description="After this many seconds no new work starts; what was fetched is committed.",
    )
    run_limit_seconds: int = Field(
        default=1680,
        ge=2,
        le=3540,
        description="After this many seconds a run has ended: what is not committed by then is left to the next run. "
        "Above the budget, below the timeout of the function.",
    )
    max_string_bytes: int = Field(
        default=MEBIBYTE,
        ge=1024,
        le=50 * MEBIBYTE,
        description="Longer texts inside a message are cut, visibly.",
    )
    keep_raw_rejects: bool = Field(
        default=False,
        description="true: rejects hold bodies as Looker sent them, with the data and the credentials in them.",
    )
    buffer_bytes: int = Field(
        default=16 * MEBIBYTE,
        ge=MEBIBYTE,
        le=1024 * MEBIBYTE,
        description="Rows held in memory before the upload slows the fetching down, in bytes.",
    )
    port: int = Field(default=8080, ge=1, le=65535, description="Port of the HTTP server.")

    @field_validator("looker_base_url", "bq_endpoint")
    @classmethod
    def _origin(cls, value: str) -> str:
        wrong = "must be an address such as https://host or https://host:port, without a path"
        try:
            parts, _ = urlsplit(value), urlsplit(value).port
        except ValueError:
            raise ValueError(wrong) from None  # whose own text quotes the value
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError(wrong)
        if parts.username or parts.password:
            raise ValueError("must not hold credentials")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("must be https")
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("run_limit_seconds")
    @classmethod
    def _limit(cls, value: int, info: ValidationInfo) -> int:
        if value <= info.data.get("run_budget_seconds", 0):
            raise ValueError("must be above RUN_BUDGET_SECONDS: what was fetched must be committed, too")
        return value

    @property
    def emulated(self) -> bool:
        """True when BigQuery is an emulator on this machine."""
        return urlsplit(self.bq_endpoint).hostname in LOOPBACK

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Read the environment.

        Raises:
            SettingsError: naming every missing or wrong variable at once, and no value.
        """
        try:
            return cls(**overrides)
        except ValidationError as error:
            problems = [_problem(details) for details in error.errors(include_input=False, include_url=False)]
            # The chain is cut: pydantic's own text would go to the log with it.
            raise SettingsError("; ".join(problems)) from None


def _problem(details: Any) -> str:
    name = str(details["loc"][0]).upper()
    return f"{name} is missing" if details["type"] == "missing" else f"{name}: {sentence(details)}"
