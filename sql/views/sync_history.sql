-- description: One row per run of the function with the state it is in now, made of the rows of its ledger.
-- viewers: yes
-- cost: all of sync_runs (two small rows a run). Filter on started_at for what is shown; the table is read whole.
-- column run_id: Identifier of the run; sorts by time of start.
-- column kind: daily or historical.
-- column state: running, completed, partial or failed; abandoned when it began over two hours ago and never ended.
-- column started_at: When the run began (UTC).
-- column ended_at: When it ended (UTC); NULL while running or when abandoned.
-- column seconds: Seconds from start to end.
-- column window_start: Earliest change the run looked for (UTC); 1970-01-01 for all.
-- column window_end: Latest change the run looked for (UTC).
-- column version: Version of the function.
-- column all_users: False when the request named the users to sync.
-- column users_seen: Users found by discovery, or asked for.
-- column users_finished: Users whose whole window is in the warehouse.
-- column users_skipped: Users who cannot be read: disabled, deleted, not to be impersonated, or refused run after run.
-- column users_failed: Users Looker refused or failed to answer for.
-- column users_unfinished: Users left for the next run when the time budget ended, or Looker went away.
-- column conversations_listed: Conversations inside the window.
-- column conversations_fetched: Conversations fetched and written.
-- column conversations_unchanged: Conversations the warehouse already held in the same version.
-- column conversations_rejected: Conversations written to rejects instead.
-- column conversations_vanished: Conversations that were listed and gone when fetched.
-- column conversations_rechecked: Conversations fetched although their version was held, to check updated_at.
-- column conversations_unannounced: Those that had other messages although updated_at stood still.
-- column messages: Messages written.
-- column raw_bytes: Bytes of the conversations as Looker sent them.
-- column stored_bytes: Bytes of messages as stored.
-- column api_calls: Requests made to Looker, retries included.
-- column failed_step: Step at which a failed run stopped.
-- column failure: Why a failed run stopped.
-- column hint: What to do about it.
SELECT
  run_id,
  kind,
  IF(
    state = 'running' AND started_at < TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 2 HOUR), 'abandoned', state
  ) AS state,
  started_at,
  ended_at,
  TIMESTAMP_DIFF(ended_at, started_at, MILLISECOND) / 1000 AS seconds,
  window_start,
  window_end,
  version,
  COALESCE(JSON_TYPE(JSON_QUERY(requested, '$.users')) = 'null', TRUE) AS all_users,
  users_seen,
  users_finished,
  users_skipped,
  users_failed,
  users_unfinished,
  conversations_listed,
  conversations_fetched,
  conversations_unchanged,
  conversations_rejected,
  conversations_vanished,
  conversations_rechecked,
  conversations_unannounced,
  messages,
  raw_bytes,
  stored_bytes,
  api_calls,
  JSON_VALUE(failure, '$.step') AS failed_step,
  JSON_VALUE(failure, '$.error') AS failure,
  JSON_VALUE(failure, '$.hint') AS hint
FROM `${dataset}.sync_runs`
-- A run that has an end is not running, and one that committed has committed, whatever the clocks said when its rows were
-- written and whoever gave it up before.
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY run_id ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'failed' THEN 1 ELSE 2 END DESC, recorded_at DESC
) = 1
