-- Adds one row to the ledger: the start or the end of a run. Running it twice adds it once.
INSERT INTO `${dataset}.sync_runs` (
  run_id, kind, state, recorded_at, started_at, ended_at, window_start, window_end, version, requested,
  users_seen, users_finished, users_skipped, users_failed, users_unfinished,
  conversations_listed, conversations_fetched, conversations_unchanged, conversations_rejected, conversations_vanished,
  conversations_rechecked, conversations_unannounced,
  messages, raw_bytes, stored_bytes, api_calls, errors, stages, jobs, failure
)
SELECT
  @run_id,
  @kind,
  @state,
  CURRENT_TIMESTAMP(),
  @started_at,
  @ended_at,
  @window_start,
  @window_end,
  @version,
  PARSE_JSON(@requested),
  @users_seen, @users_finished, @users_skipped, @users_failed, @users_unfinished,
  @conversations_listed, @conversations_fetched, @conversations_unchanged, @conversations_rejected,
  @conversations_vanished, @conversations_rechecked, @conversations_unannounced,
  @messages, @raw_bytes, @stored_bytes, @api_calls,
  PARSE_JSON(@errors), PARSE_JSON(@stages), PARSE_JSON(@jobs), PARSE_JSON(@failure)
FROM (SELECT 1)
WHERE NOT EXISTS (
  SELECT 1
  FROM `${dataset}.sync_runs`
  WHERE run_id = @run_id AND (state = @state OR state IN ('completed', 'partial'))
);
