"""Where the environment says dry run, no request can write."""

from local.looker.population import Population
from tests.conftest import Install
from tests.support.truth import days_ago


def test_the_environment_wins_over_the_request(install: Install) -> None:
    installation = install(Population(users=3, conversations=8, mean_kb=16, now=days_ago(1)))
    before, ids = installation.everything(), installation.population.reachable()
    jobs = {job.job_id for job in installation.client.list_jobs(all_users=True)}
    with installation.function(DRY_RUN="true", LOOKBACK_DAYS="60") as function:
        assert function.get("/healthz").body["dry_run"] is True
        for path in ("/daily?dry-run=false", "/historical?dry-run=false&refetch=true", "/daily"):
            answer = function.post(path)
            assert (answer.status, answer.body["dry_run"], answer.body["state"]) == (200, True, "completed")
            assert answer.body["conversations"]["fetched"] == len(ids)
            assert answer.body["jobs"] == {}
            assert function.get(f"/runs/{answer.body['run_id']}").status == 404
    assert installation.everything() == before
    run = [job for job in installation.client.list_jobs(all_users=True) if job.job_id not in jobs]
    assert run
    assert {(job.job_type, job.statement_type) for job in run} == {("query", "SELECT")}
