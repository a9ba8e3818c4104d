-- description: One row that says whether the ingestion is well: freshness, runs of the last 7 days, what is owed, rejects.
-- viewers: yes
-- cost: all of sync_runs and sync_users (small); of rejects only id, part and the partitions of the last 7 days.
-- column checked_at: When this was asked (UTC).
-- column fresh_until: Every change up to here was looked for by a completed run over all users (UTC); NULL before the first.
-- column hours_behind: Hours from fresh_until to now.
-- column last_success_at: When a run last ended completed (UTC).
-- column hours_since_success: Hours from last_success_at to now.
-- column last_run_id: Identifier of the run that began last.
-- column last_run_state: Its state: running, completed, partial, failed or abandoned.
-- column last_run_started_at: When it began (UTC).
-- column runs_since_success: Runs that began after the last completed one and ended otherwise.
-- column runs_7d: Runs begun in the last 7 days.
-- column completed_7d: Those that completed.
-- column partial_7d: Those that left users unfinished.
-- column failed_7d: Those that failed.
-- column abandoned_7d: Those that never ended.
-- column running_now: Runs that are running.
-- column users_known: Users that were ever synced.
-- column users_unfinished: Users who are owed a window that a run left unfinished; skipped ones are not among them.
-- column oldest_unfinished_since: Start of the oldest window owed (UTC).
-- column users_skipped: Users who could not be read when a run last asked; sync_users says why.
-- column users_failing: Users for whom Looker refuses something run after run, while it answers others.
-- column unchanged_7d: Conversations taken as unchanged in the last 7 days; for all but the next, updated_at alone said so.
-- column rechecked_7d: Conversations fetched again in the last 7 days to see whether updated_at tells every change.
-- column unannounced_7d: Those that had other messages although updated_at stood still; more than 0: it cannot be trusted.
-- column rejects_7d: Conversations written to rejects in the last 7 days.
-- column last_reject_at: When the last of them was met (UTC).
WITH
success AS (
  SELECT
    MAX(IF(all_users, window_end, NULL)) AS fresh_until,
    MAX(ended_at) AS last_success_at,
    MAX(started_at) AS last_success_started_at
  FROM `${dataset}.sync_history`
  WHERE state = 'completed'
),

judged AS (
  SELECT
    history.run_id,
    history.state,
    history.started_at,
    COALESCE(history.conversations_unchanged, 0) AS conversations_unchanged,
    COALESCE(history.conversations_rechecked, 0) AS conversations_rechecked,
    COALESCE(history.conversations_unannounced, 0) AS conversations_unannounced,
    ROW_NUMBER() OVER (ORDER BY history.started_at DESC, history.run_id DESC) AS recency,
    history.started_at >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 7 DAY) AS begun_lately,
    success.last_success_started_at IS NULL OR history.started_at > success.last_success_started_at AS since_success
  FROM `${dataset}.sync_history` AS history
  CROSS JOIN success
),

runs AS (
  SELECT
    MAX(IF(recency = 1, run_id, NULL)) AS last_run_id,
    MAX(IF(recency = 1, state, NULL)) AS last_run_state,
    MAX(IF(recency = 1, started_at, NULL)) AS last_run_started_at,
    COUNTIF(since_success AND state NOT IN ('running', 'completed')) AS runs_since_success,
    COUNTIF(begun_lately) AS runs_7d,
    COUNTIF(begun_lately AND state = 'completed') AS completed_7d,
    COUNTIF(begun_lately AND state = 'partial') AS partial_7d,
    COUNTIF(begun_lately AND state = 'failed') AS failed_7d,
    COUNTIF(begun_lately AND state = 'abandoned') AS abandoned_7d,
    COUNTIF(state = 'running') AS running_now,
    SUM(IF(begun_lately, conversations_unchanged, 0)) AS unchanged_7d,
    SUM(IF(begun_lately, conversations_rechecked, 0)) AS rechecked_7d,
    SUM(IF(begun_lately, conversations_unannounced, 0)) AS unannounced_7d
  FROM judged
),

users AS (
  SELECT
    COUNT(*) AS users_known,
    COUNTIF(owed_since IS NOT NULL AND skipped_reason IS NULL) AS users_unfinished,
    MIN(IF(skipped_reason IS NULL, owed_since, NULL)) AS oldest_unfinished_since,
    COUNTIF(skipped_reason IS NOT NULL) AS users_skipped,
    COUNTIF(failed_runs > 0 AND skipped_reason IS NULL) AS users_failing
  FROM `${dataset}.sync_users`
),

refused AS (
  SELECT
    -- A long body is cut into parts; the first stands for the whole.
    COUNTIF(part = 1) AS rejects_7d,
    MAX(ingested_at) AS last_reject_at
  FROM `${dataset}.rejects`
  WHERE ingested_at >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 7 DAY)
)

SELECT
  CURRENT_TIMESTAMP() AS checked_at,
  success.fresh_until,
  TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), success.fresh_until, SECOND) / 3600 AS hours_behind,
  success.last_success_at,
  TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), success.last_success_at, SECOND) / 3600 AS hours_since_success,
  runs.last_run_id,
  runs.last_run_state,
  runs.last_run_started_at,
  runs.runs_since_success,
  runs.runs_7d,
  runs.completed_7d,
  runs.partial_7d,
  runs.failed_7d,
  runs.abandoned_7d,
  runs.running_now,
  users.users_known,
  users.users_unfinished,
  users.oldest_unfinished_since,
  users.users_skipped,
  users.users_failing,
  COALESCE(runs.unchanged_7d, 0) AS unchanged_7d,
  COALESCE(runs.rechecked_7d, 0) AS rechecked_7d,
  COALESCE(runs.unannounced_7d, 0) AS unannounced_7d,
  refused.rejects_7d,
  refused.last_reject_at
FROM success
CROSS JOIN runs
CROSS JOIN users
CROSS JOIN refused
