import pytest
from pydantic import ValidationError

from sluice.errors import SettingsError
from sluice.settings import Settings

COMPLETE = {
    "LOOKER_BASE_URL": "https://looker.example.com:19999",
    "LOOKER_CLIENT_ID": "canary-id",
    "LOOKER_CLIENT_SECRET": "canary-secret",
    "LOOKER_USER_QUERY_ID": "4242",
    "GCP_PROJECT_ID": "example-project",
}
NAMES = {name.upper() for name in Settings.model_fields}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Only what a test sets counts."""
    for name in NAMES | {"LOOKER_WORKERS"}:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def load(environment: pytest.MonkeyPatch, **changes: str) -> Settings:
    for name, value in (COMPLETE | changes).items():
        environment.setenv(name, value)
    return Settings.load()


def problem(environment: pytest.MonkeyPatch, **changes: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(environment, **changes)
    assert caught.value.__cause__ is None
    for value in (*COMPLETE.values(), *changes.values()):
        assert len(value) < 9 or value not in str(caught.value)
    return str(caught.value)


def test_a_complete_environment(environment: pytest.MonkeyPatch) -> None:
    settings = load(environment, DRY_RUN="true", INCLUDE_DELETED="1", WORKERS="7", UNKNOWN="x", LOOKER_RETRIES="")
    assert settings.looker_base_url == "https://looker.example.com:19999"
    assert settings.looker_client_secret.get_secret_value() == "canary-secret"
    assert (settings.dry_run, settings.include_deleted, settings.workers) == (True, True, 7)
    assert settings.looker_retries == 5, "empty is as if not set"
    assert not settings.emulated


def test_everything_missing_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert str(caught.value) == "; ".join(f"{name} is missing" for name in COMPLETE if name != "LOOKER_USER_QUERY_ID")
    assert (caught.value.step, caught.value.status) == ("settings", 500)


def test_everything_wrong_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("GCP_PROJECT_ID", raising=False)
    text = problem(
        environment, LOOKER_BASE_URL="example", GCP_PROJECT_ID="UPPER case", WORKERS="many", DRY_RUN="perhaps"
    )
    assert [part.partition(":")[0] for part in text.split("; ")] == [
        "LOOKER_BASE_URL",
        "GCP_PROJECT_ID",
        "DRY_RUN",
        "WORKERS",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOOKER_BASE_URL", "http://looker.example.com"),
        ("LOOKER_BASE_URL", "https://looker.example.com/api"),
        ("LOOKER_BASE_URL", "https://looker.example.com?x=1"),
        ("LOOKER_BASE_URL", "https://user:pass@looker.example.com"),
        ("LOOKER_BASE_URL", "ftp://looker.example.com"),
        ("LOOKER_BASE_URL", "https://"),
        ("LOOKER_BASE_URL", "https://[::1"),
        ("LOOKER_BASE_URL", "https://looker.example.com:port"),
        ("LOOKER_BASE_URL", "https://looker.example.com:99999"),
        ("LOOKER_CLIENT_ID", ""),
        ("LOOKER_USER_QUERY_ID", "42/../1"),
        ("LOOKER_TIMEOUT_SECONDS", "4"),
        ("LOOKER_RETRIES", "11"),
        ("LOOKER_PAGE_SIZE", "0"),
        ("BQ_DATASET", "my-dataset"),
        ("BQ_TABLE", "a`; DROP TABLE b"),
        ("BQ_LOCATION", "EU;"),
        ("BQ_ENDPOINT", "http://bigquery.example.com"),
        ("WORKERS", "0"),
        ("WORKERS", "201"),
        ("LOOKER_WORKERS", "0"),
        ("LOOKBACK_DAYS", "-1"),
        ("OVERLAP_MINUTES", "1.5"),
        ("RUN_BUDGET_SECONDS", "3301"),
        ("MAX_STRING_BYTES", "10"),
        ("BUFFER_BYTES", "1"),
        ("PORT", "65536"),
        ("INCLUDE_DELETED", "maybe"),
    ],
)
def test_a_wrong_value_is_named_and_not_quoted(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    text = problem(environment, **{name: value})
    assert text.startswith((name, "WORKERS" if name == "LOOKER_WORKERS" else name))
    assert ";" not in text


@pytest.mark.parametrize("port", ["canary", "99999", "-1"])
def test_a_wrong_port_is_not_quoted_either(environment: pytest.MonkeyPatch, port: str) -> None:
    text = problem(environment, LOOKER_BASE_URL=f"https://looker.example.com:{port}")
    assert "must be an address" in text
    assert port not in text


def test_not_even_the_error_beneath_quotes_a_value(environment: pytest.MonkeyPatch) -> None:
    for name, value in (COMPLETE | {"LOOKER_BASE_URL": "ftp://canary", "GCP_PROJECT_ID": "canary project"}).items():
        environment.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        Settings()  # type: ignore[call-arg]  # the environment gives the arguments
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://looker.example.com/", "https://looker.example.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_is_an_origin(environment: pytest.MonkeyPatch, given: str, origin: str) -> None:
    assert load(environment, LOOKER_BASE_URL=given).looker_base_url == origin


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9050", "http://localhost:9050"])
def test_a_loopback_bigquery_is_an_emulator(environment: pytest.MonkeyPatch, endpoint: str) -> None:
    assert load(environment, BQ_ENDPOINT=endpoint).emulated


def test_settings_cannot_change_and_show_no_secret(environment: pytest.MonkeyPatch) -> None:
    settings = load(environment)
    assert "canary" not in repr(settings) + str(settings)
    with pytest.raises(ValidationError):
        settings.dry_run = True


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
