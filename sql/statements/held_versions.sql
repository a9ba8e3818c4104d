-- Versions of conversations that need not be fetched again: held as rows, or refused and kept as rejects.
-- @windows is [{"since": ..., "user_ids": [...]}]: what this run will list.
WITH wanted AS (
  SELECT user_id, TIMESTAMP(JSON_VALUE(user_window, '$.since')) AS since
  FROM UNNEST(JSON_QUERY_ARRAY(@windows)) AS user_window, UNNEST(JSON_VALUE_ARRAY(user_window, '$.user_ids')) AS user_id
)

SELECT held.id, held.updated_at, COALESCE(held.deleted, FALSE) AS deleted
FROM `${dataset}.${table}` AS held
INNER JOIN wanted ON held.user_id = wanted.user_id AND held.updated_at >= wanted.since
UNION ALL
SELECT refused.id, refused.updated_at, FALSE AS deleted
FROM `${dataset}.rejects` AS refused
INNER JOIN wanted ON refused.user_id = wanted.user_id AND refused.updated_at >= wanted.since;
