-- The state of some runs as `runs` gives it, but never `abandoned`. @run_ids is a JSON array.
SELECT run_id, state, started_at
FROM (
  SELECT
    run_id,
    state,
    started_at,
    ROW_NUMBER() OVER (
      PARTITION BY run_id
      ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'failed' THEN 1 ELSE 2 END DESC, recorded_at DESC
    ) AS latest
  FROM `${dataset}.sync_runs`
  WHERE run_id IN UNNEST(JSON_VALUE_ARRAY(@run_ids))
)
WHERE latest = 1;
