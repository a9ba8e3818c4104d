-- The ledger as it is read: one row per run, its latest state, newest first.
-- A run that began long ago and never ended was abandoned: its instance was stopped.
SELECT
  * EXCEPT (state, latest),
  IF(
    state = 'running' AND started_at < TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL @abandoned_after SECOND),
    'abandoned',
    state
  ) AS state
FROM (
  SELECT
    *,
    -- A run that committed has committed, also where it was given up before BigQuery said so.
    ROW_NUMBER() OVER (
      PARTITION BY run_id
      ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'failed' THEN 1 ELSE 2 END DESC, recorded_at DESC
    ) AS latest
  FROM `${dataset}.sync_runs`
  WHERE @run_id IS NULL OR run_id = @run_id
)
WHERE latest = 1
ORDER BY started_at DESC, run_id DESC
LIMIT @most;
