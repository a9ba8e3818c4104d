"""The simulated Looker against Looker's own client: every answer parses through the typed methods of looker-sdk."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import looker_sdk
import pytest
from looker_sdk import error, models40
from looker_sdk.rtl import api_settings
from looker_sdk.sdk.api40.methods import Looker40SDK

from local.looker.app import Looker
from local.looker.cast import Standing
from local.looker.faults import Fault
from local.looker.population import Population
from local.looker.server import serve

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
HEAVIEST = "12"

# The SDK warns on every login_user that its meaning changed in 21.4.
pytestmark = pytest.mark.filterwarnings("ignore:login_user behavior:UserWarning")

Connect = Callable[[Looker], Looker40SDK]


@pytest.fixture
def looker() -> Iterator[Looker]:
    with serve(Population(conversations=60, now=NOW)) as looker:
        yield looker


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Connects the SDK. Its look-up of error pages on the web is led to a closed port, where it fails at once."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    class Settings(api_settings.ApiSettings):
        def __init__(self, looker: Looker) -> None:
            self.looker = looker
            super().__init__()

        def read_config(self) -> api_settings.SettingsConfig:
            return {
                "base_url": self.looker.url,
                "client_id": self.looker.client_id,
                "client_secret": self.looker.client_secret,
                "verify_ssl": "false",
                "timeout": "5",
            }

    return lambda looker: looker_sdk.init40(config_settings=Settings(looker))


@pytest.fixture
def admin(looker: Looker, connect: Connect) -> Looker40SDK:
    return connect(looker)


@pytest.fixture
def sudo(admin: Looker40SDK) -> Looker40SDK:
    admin.auth.login_user(int(HEAVIEST))
    return admin


def test_login_and_who_am_i(admin: Looker40SDK) -> None:
    assert admin.me().id == "1"


def test_login_user_gives_an_access_token(admin: Looker40SDK) -> None:
    token = admin.login_user(HEAVIEST)
    assert isinstance(token, models40.AccessToken)
    assert token.access_token
    assert token.expires_in == 3600


def test_run_query_gives_the_users(admin: Looker40SDK, looker: Looker) -> None:
    text = admin.run_query(looker.query_id, "json", limit=2)
    assert text == '[{"user.id":12,"user.email":"user0@example.com"},{"user.id":19,"user.email":"user1@example.com"}]'


def test_search_and_get_every_conversation(sudo: Looker40SDK, looker: Looker) -> None:
    held = looker.population.conversations_of(HEAVIEST)
    found = sudo.search_conversations(limit=500, offset=0, sorts="updated_at desc")
    assert {each.id for each in found} == {each.id for each in held if not each.deleted}
    for each in found:
        assert isinstance(each, models40.Conversation)
        truth = looker.population.expected(str(each.id))
        assert (each.updated_at, each.user_id, each.messages) == (truth["updated_at"], HEAVIEST, None)
        whole = sudo.get_conversation(str(each.id))
        assert whole.created_at == truth["created_at"]
        assert [message.id for message in whole.messages or []] == [message["id"] for message in truth["messages"]]
        assert (whole.conversation_agent is None) == (truth["agent_id"] is None)
        if whole.conversation_agent is not None:
            assert isinstance(whole.conversation_agent, models40.Agent)
            assert whole.conversation_agent.id == truth["agent_id"]


def test_search_by_every_documented_parameter(sudo: Looker40SDK) -> None:
    found = sudo.search_conversations(
        fields="id,name",
        agent_id="not null",
        category="conversation",
        deleted=False,
        filter_or=True,
        limit=3,
        sorts="name",
    )
    assert len(found) == 3
    assert sudo.search_conversations(id=str(found[0].id)) != []
    assert all(each.deleted for each in sudo.search_conversations(deleted=True))


def test_all_messages_of_every_conversation(sudo: Looker40SDK, looker: Looker) -> None:
    for each in looker.population.conversations_of(HEAVIEST):
        messages = sudo.all_conversation_messages(each.id)
        truth = looker.population.expected(each.id)["messages"]
        assert all(isinstance(message, models40.ConversationMessage) for message in messages)
        assert [(message.id, message.type, message.order) for message in messages] == [
            (message["id"], message["type"], message["order"]) for message in truth
        ]


@pytest.mark.parametrize("kind", ["403", "404", "429", "500"])
def test_errors_are_sdk_errors_with_their_documentation(sudo: Looker40SDK, looker: Looker, kind: str) -> None:
    looker.faults.add(Fault(kind, path="/conversations/search"))
    with pytest.raises(error.SDKError) as caught:
        sudo.search_conversations()
    assert caught.value.message
    assert f"/err/4.0/{kind}/get/conversations/search" in caught.value.documentation_url
    # The SDK takes the address for one of Looker's own, and tried to look it up.
    assert error.ErrorDocHelper.pattern.search(caught.value.documentation_url)


def test_a_validation_error_names_its_field(admin: Looker40SDK, looker: Looker) -> None:
    with pytest.raises(error.SDKError) as caught:
        admin.run_query(looker.query_id, "png")
    assert [each.field for each in caught.value.errors] == ["result_format"]


def test_unauthenticated_disabled_and_deleted(admin: Looker40SDK, looker: Looker) -> None:
    for standing in (Standing.DISABLED, Standing.DELETED):
        user = next(user for user in looker.population.users if user.standing is standing)
        with pytest.raises(error.SDKError, match=r"404" if standing is Standing.DELETED else r"403"):
            admin.login_user(user.key)
    looker.faults.add(Fault("expire", path="/user$"))
    with pytest.raises(error.SDKError, match="Requires authentication"):
        admin.me()


@pytest.mark.parametrize("versioned", [True, False])
def test_both_ways_to_log_out(looker: Looker, admin: Looker40SDK, versioned: bool) -> None:
    admin.me()
    assert looker.open_tokens == 1
    if versioned:
        admin.logout()
    else:
        admin.auth.logout()
    assert looker.open_tokens == 0
