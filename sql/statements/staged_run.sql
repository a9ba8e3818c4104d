-- The row of sync_runs of the run that filled a staging table: its last line, so all others came before it.
SELECT TO_JSON_STRING(payload) AS payload
FROM `${staging}`
WHERE kind = 'run';
