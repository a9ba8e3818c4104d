"""What the listing may hide: soft-deleted conversations, and pages shorter than asked."""

from local.looker.population import Population
from tests.conftest import Install
from tests.support.truth import assert_holds, days_ago, everything, held


def test_deleted_conversations_and_capped_pages(install: Install) -> None:
    installation = install(Population(users=3, conversations=40, mean_kb=16, now=days_ago(2)), page_cap=4)
    population = installation.population
    gone = set(population.reachable(include_deleted=True)) - set(population.reachable())
    assert gone

    with installation.function(OVERLAP_MINUTES="10080") as function:
        function.post("/historical")
        expected = everything(population)
        assert_holds(installation, expected)
        assert not gone & set(expected)

    with installation.function(OVERLAP_MINUTES="10080", INCLUDE_DELETED="true", LOOKER_PAGE_SIZE="3") as function:
        # What was deleted before is fetched by the second listing; the rest is held already.
        installation.looker.requests.clear()
        answer = function.post("/historical")
        assert answer.body["state"] == "completed"
        assert installation.fetched() == sorted(gone)
        assert_holds(installation, everything(population, include_deleted=True))

        # A conversation that is deleted later keeps its row, which then says so.
        (deleted,) = population.advance().deleted
        assert held(installation)[deleted]["deleted"] is False
        function.post("/daily")
        assert_holds(installation, everything(population, include_deleted=True))
        assert held(installation)[deleted]["deleted"] is True
