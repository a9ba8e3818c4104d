-- How far every user is. The row without a user tells of the whole: where this installation's ledger began (the window of
-- its first plain run, whatever became of it), and the most users a plain run saw lately.
SELECT
  user_id,
  watermark,
  owed_since,
  skipped_reason,
  skipped_at,
  failed_runs,
  CAST(NULL AS INT64) AS most_seen
FROM `${dataset}.sync_users`
UNION ALL
SELECT
  CAST(NULL AS STRING),
  MIN(window_start),
  CAST(NULL AS TIMESTAMP),
  CAST(NULL AS STRING),
  CAST(NULL AS TIMESTAMP),
  CAST(NULL AS INT64),
  MAX(IF(started_at >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 14 DAY), users_seen, NULL))
FROM `${dataset}.sync_runs`
WHERE requested IS NULL;
