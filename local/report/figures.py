"""What the report shows, asked from the views of a dataset and from nothing else."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from google.cloud import bigquery

DAYS = 90
# Waits longer than this share the last bar of the distribution.
LONGEST_SECONDS = 120
SHOWN = 10

Row = dict[str, Any]

QUERIES = {
    "daily": """
        SELECT day, SUM(conversations) AS conversations, COUNT(*) AS active_users, SUM(turns) AS turns,
          SUM(answered_turns) AS answered, SUM(unknown_turns) AS unknown
        FROM `{dataset}.user_daily` WHERE day >= @since GROUP BY day ORDER BY day""",
    "totals": """
        SELECT COUNT(DISTINCT user_id) AS active_users, COALESCE(SUM(conversations), 0) AS conversations,
          COALESCE(SUM(turns), 0) AS turns, COALESCE(SUM(answered_turns), 0) AS answered,
          COALESCE(SUM(unknown_turns), 0) AS unknown
        FROM `{dataset}.user_daily` WHERE day >= @since""",
    "waits": """
        SELECT COUNT(*) AS known, COUNTIF(wait_seconds <= 10) AS within_10_seconds,
          ARRAY_AGG(wait_seconds ORDER BY wait_seconds)[SAFE_ORDINAL(CAST(CEIL(COUNT(*) * 50 / 100) AS INT64))] AS p50,
          ARRAY_AGG(wait_seconds ORDER BY wait_seconds)[SAFE_ORDINAL(CAST(CEIL(COUNT(*) * 90 / 100) AS INT64))] AS p90
        FROM `{dataset}.turns` WHERE created_at >= TIMESTAMP(@since) AND wait_seconds IS NOT NULL""",
    "not_understood": """
        SELECT COALESCE(SUM(messages_not_understood), 0) AS messages
        FROM `{dataset}.turns` WHERE created_at >= TIMESTAMP(@since)""",
    "distribution": """
        SELECT LEAST(FLOOR(wait_seconds / 5) * 5, @longest) AS seconds, COUNT(*) AS turns
        FROM `{dataset}.turns` WHERE created_at >= TIMESTAMP(@since) AND wait_seconds IS NOT NULL
        GROUP BY seconds ORDER BY seconds""",
    "latency": "SELECT * FROM `{dataset}.latency_daily` WHERE day >= @since ORDER BY day",
    "errors": """
        SELECT error_kind, COUNTIF(recovered) AS recovered, COUNTIF(NOT recovered) AS terminal
        FROM `{dataset}.errors` WHERE created_at >= TIMESTAMP(@since)
        GROUP BY error_kind ORDER BY COUNT(*) DESC, error_kind LIMIT @shown""",
    "agents": """
        SELECT COALESCE(agent_name, agent_id, 'No agent') AS agent, SUM(turns) AS turns,
          SUM(answered_turns) AS answered, SUM(unknown_turns) AS unknown
        FROM `{dataset}.agent_daily` WHERE day >= @since GROUP BY agent ORDER BY turns DESC, agent LIMIT @shown""",
    "ratings": """
        SELECT COALESCE(SUM(ratings), 0) AS ratings, COALESCE(SUM(ratings_positive), 0) AS positive
        FROM `{dataset}.agent_daily` WHERE day >= @since""",
    "explores": """
        SELECT CONCAT(COALESCE(model, '?'), ' / ', COALESCE(explore, '?')) AS name, SUM(turns) AS turns,
          SUM(answered_turns) AS answered, SUM(unknown_turns) AS unknown
        FROM `{dataset}.explore_usage` WHERE day >= @since GROUP BY name ORDER BY turns DESC, name LIMIT @shown""",
    "slowest": """
        SELECT created_at, conversation_id, user_id, turn_number, steps, errors, answered,
          COALESCE(wait_seconds, processing_seconds) AS seconds, {question}
        FROM `{dataset}.turns`
        WHERE created_at >= TIMESTAMP(@since) AND COALESCE(wait_seconds, processing_seconds) IS NOT NULL
        ORDER BY seconds DESC, conversation_id, turn_number LIMIT @shown""",
    "savings": "SELECT day, raw_bytes, stored_bytes FROM `{dataset}.pruning_savings` WHERE day >= @since ORDER BY day",
    "health": "SELECT * FROM `{dataset}.sync_health`",
    "runs": """
        SELECT run_id, kind, state, started_at, seconds, users_seen, users_unfinished, conversations_fetched,
          conversations_rejected, failed_step
        FROM `{dataset}.sync_history` ORDER BY started_at DESC, run_id DESC LIMIT @shown""",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """The answers by name of query, over conversations begun in [since, made_at)."""

    dataset: str
    since: date
    made_at: datetime
    show_text: bool
    answers: dict[str, list[Row]]

    def __getitem__(self, name: str) -> list[Row]:
        return self.answers[name]

    def one(self, name: str) -> Row:
        """The row of an answer that has just one."""
        [row] = self.answers[name]
        return row


def gather(client: bigquery.Client, dataset: str, *, show_text: bool) -> Figures:
    """Ask everything about the last `DAYS` days; the text of questions is not even read unless `show_text`.

    Raises google.api_core.exceptions.GoogleAPICallError when the dataset or its views are missing or out of reach.
    """
    made_at = datetime.now(UTC)
    since = made_at.date() - timedelta(days=DAYS)
    question = "question" if show_text else "CAST(NULL AS STRING) AS question"

    def ask(text: str) -> list[Row]:
        return list(_ask(client, text.format(dataset=dataset, question=question), since))

    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = dict(zip(QUERIES, pool.map(ask, QUERIES.values()), strict=True))
    return Figures(dataset, since, made_at, show_text, answers)


def _ask(client: bigquery.Client, text: str, since: date) -> Iterator[Row]:
    given: dict[str, tuple[str, date | int]] = {
        "since": ("DATE", since),
        "longest": ("INT64", LONGEST_SECONDS),
        "shown": ("INT64", SHOWN),
    }
    bound = [
        bigquery.ScalarQueryParameter(name, kind, value) for name, (kind, value) in given.items() if f"@{name}" in text
    ]
    for row in client.query(text, job_config=bigquery.QueryJobConfig(query_parameters=bound)).result():
        yield dict(row.items())
