-- Versions of conversations that need not be fetched again: held as rows, or refused and kept as rejects.
-- @windows is [{"since": ..., "user_ids": [...]}]: what this run will list.
-- A time that is exactly midnight may stand for the whole day: what was fetched before that day was over anywhere (37
-- hours later) need not be its last version.
-- message_count and raw_bytes are there for those a run may check again: changed lately, and fetched within a day of it.
WITH wanted AS (
  SELECT user_id, TIMESTAMP(JSON_VALUE(user_window, '$.since')) AS since
  FROM UNNEST(JSON_QUERY_ARRAY(@windows)) AS user_window, UNNEST(JSON_VALUE_ARRAY(user_window, '$.user_ids')) AS user_id
)

SELECT
  held.id,
  held.updated_at,
  COALESCE(held.deleted, FALSE) AS deleted,
  held.user_id,
  IF(
    held.updated_at >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 3 DAY)
    AND held.ingested_at < TIMESTAMP_ADD(held.updated_at, INTERVAL 1 DAY),
    held.message_count,
    NULL
  ) AS message_count,
  held.raw_bytes
FROM `${dataset}.${table}` AS held
INNER JOIN wanted ON held.user_id = wanted.user_id AND held.updated_at >= wanted.since
WHERE
  held.updated_at != TIMESTAMP_TRUNC(held.updated_at, DAY)
  OR held.ingested_at >= TIMESTAMP_ADD(held.updated_at, INTERVAL 37 HOUR)
UNION ALL
SELECT
  refused.id,
  refused.updated_at,
  FALSE AS deleted,
  refused.user_id,
  CAST(NULL AS INT64) AS message_count,
  CAST(NULL AS INT64) AS raw_bytes
FROM `${dataset}.rejects` AS refused
INNER JOIN wanted ON refused.user_id = wanted.user_id AND refused.updated_at >= wanted.since
WHERE
  refused.updated_at != TIMESTAMP_TRUNC(refused.updated_at, DAY)
  OR refused.ingested_at >= TIMESTAMP_ADD(refused.updated_at, INTERVAL 37 HOUR);
