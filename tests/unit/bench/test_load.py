import pytest

from bench.load import ACTIVE_AT, WATERMARK, Load, conversation_id, parse_id


@pytest.mark.parametrize(
    "load",
    [Load(7, 100), Load(7, 3), Load(1, 10), Load(200, 2200, heavy=2000), Load(5, 10, heavy=10), Load(3, 0)],
)
def test_every_conversation_has_one_owner(load: Load) -> None:
    assert sum(load.owned(user) for user in load.user_ids) == load.conversations
    assert load.owned(1) >= load.heavy
    rest = [load.owned(user) for user in load.user_ids if user > 1]
    assert not rest or max(rest) - min(rest) <= 1


def test_only_the_newest_of_an_active_user_changed_after_the_watermark() -> None:
    load = Load(users=4, conversations=12, active=2)
    changed = {
        (user, position)
        for user in load.user_ids
        for position in range(load.owned(user))
        if load.updated_at(user, position) > WATERMARK.isoformat()
    }
    assert changed == {(1, 0), (2, 0)}
    assert load.active_at(2) == f"{ACTIVE_AT:%Y-%m-%d %H:%M:%S}"
    assert load.active_at(3) < f"{WATERMARK:%Y-%m-%d %H:%M:%S}"


def test_listings_are_newest_first() -> None:
    load = Load(users=1, conversations=500, active=1)
    moments = [load.updated_at(1, position) for position in range(500)]
    assert moments == sorted(moments, reverse=True)


def test_an_id_names_its_conversation() -> None:
    assert parse_id(conversation_id(10_000, 77)) == (10_000, 77)
    with pytest.raises(ValueError, match="invalid literal"):
        parse_id("somebody-0")


@pytest.mark.parametrize("wrong", [{"users": 0}, {"heavy": 11}, {"active": 3}])
def test_a_load_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a load needs"):
        Load(**{"users": 2, "conversations": 10, **wrong})
