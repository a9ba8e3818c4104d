"""No token, secret, e-mail, name or message text in a log, an error or an answer, whatever goes wrong."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.function import Answer
from local.looker.faults import KINDS, Fault
from local.looker.population import Population
from tests.conftest import Install
from tests.support.truth import days_ago, held

TOKEN, CLIENT_ID, SECRET = "canary-token-", "canary-client-id", "canary-client-secret"


def texts(population: Population) -> set[str]:
    """Names, questions and what was said, whole; and a stretch of each message that escaping does not change."""
    found = set()
    for user in population.users:
        for conversation in population.conversations_of(user.key):
            found.add(conversation.name)
            for message in conversation.expected()["messages"]:
                said = message.get("systemMessage", {}).get("text", {}).get("parts", [])
                found.update(part for part in said if isinstance(part, str) and len(part) > 8)
    return found | {"how does", "leads with", "Resolving the schema", "last quarter?"}


def test_nothing_leaks(install: Install, tmp_path: Path) -> None:
    population = Population(users=8, conversations=30, mean_kb=16, now=days_ago(1))
    installation = install(population, client_id=CLIENT_ID, client_secret=SECRET, token_prefix=TOKEN)
    looker = installation.looker
    log = tmp_path / "log"
    answers: list[Answer] = []

    with installation.function_apart(log, LOOKER_RETRIES="1", LOOKER_TIMEOUT_SECONDS="5") as function:
        # Every kind of fault somewhere, and a body that stays broken: it is kept in rejects, raw text and all.
        broken = population.reachable()[0]
        looker.faults.add(Fault("invalid-json", path=f"/{broken}$", times=None))
        for after, kind in enumerate(KINDS):
            seconds = 0.1 if kind == "slow" else None
            looker.faults.add(Fault(kind, path="/conversations/", after=5 + after, seconds=seconds))
        answers.append(function.post("/historical"))
        assert answers[-1].status == 200
        assert broken in {row["id"] for row in installation.rows("rejects")}
        assert held(installation)

        # Runs that fail: at each step before the commit, and at the commit.
        for fault in (
            Fault("403", path="/login$"),
            Fault("invalid-json", path="/login$"),
            Fault("invalid-json", path="/results$"),
            Fault("garbage", path="/quer", times=None),
            Fault("403", path=r"/login/\d+", times=None),
        ):
            looker.faults.clear()
            looker.faults.add(fault)
            answers.append(function.post("/historical?refetch=true"))
            assert answers[-1].status in (500, 503)
        looker.faults.clear()
        looker.faults.add(Fault("slow", path="/conversations/search", times=None, seconds=2.0))
        with ThreadPoolExecutor(1) as pool:
            failing = pool.submit(function.post, "/historical?refetch=true")
            while not looker.faults.fired["slow"]:
                time.sleep(0.01)
            installation.client.delete_table(f"{installation.dataset}.sync_users")
            answers.append(failing.result())
        assert (answers[-1].status, answers[-1].body["step"]) == (500, "commit")
        answers += [function.get("/healthz"), function.get("/runs"), function.post("/daily?since=canary-parameter")]

    output = log.read_text() + "".join(str(answer.body) for answer in answers)
    assert output.count('"event": "run_summary"') == 7
    secrets_of_looker = {TOKEN, CLIENT_ID, SECRET, "@example.com", "Please sign in", "canary"}
    leaked = {word for word in secrets_of_looker | texts(population) if word in output}
    assert not leaked
