-- How far every user is. The row without a user tells where this installation's ledger began: the window of its first
-- plain run, whatever became of it.
SELECT user_id, watermark, owed_since
FROM `${dataset}.sync_users`
UNION ALL
SELECT CAST(NULL AS STRING), MIN(window_start), CAST(NULL AS TIMESTAMP)
FROM `${dataset}.sync_runs`
WHERE requested IS NULL;
