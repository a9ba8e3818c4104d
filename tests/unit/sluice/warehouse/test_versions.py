from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from sluice.warehouse.versions import Versions

NOON = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)
versions = st.tuples(
    st.text(st.characters(codec=None), max_size=5),
    st.datetimes(timezones=st.just(UTC)),
    st.booleans(),
    st.sampled_from(["7", "8"]),
)
type Version = tuple[str, datetime, bool, str]


@given(st.lists(versions), st.lists(versions))
def test_exactly_what_was_put_in_is_held(held: list[Version], others: list[Version]) -> None:
    found = Versions(held)
    for version in held:
        assert found.holds(*version)
    for version in others:
        assert found.holds(*version) is (version in held)


def test_nothing_is_held_by_none() -> None:
    assert not Versions().holds("a", NOON, deleted=False, owner="7")
    assert len(Versions()) == 0


def test_every_part_of_a_version_counts() -> None:
    found = Versions([("a", NOON, False, "7")])
    assert not found.holds("b", NOON, deleted=False, owner="7")
    assert not found.holds("a", NOON, deleted=True, owner="7")
    assert not found.holds("a", NOON + timedelta(microseconds=1), deleted=False, owner="7")
    assert not found.holds("a", NOON, deleted=False, owner="8")
    assert not found.holds("a", None, deleted=False, owner="7")
    assert found.holds("a", NOON.astimezone(timezone(timedelta(hours=5))), deleted=False, owner="7")


def test_eight_bytes_each() -> None:
    found = Versions((str(number), NOON, False, "7") for number in range(1000))
    assert len(found) == 1000
    assert found._digests.itemsize * len(found._digests) == 8000
