-- description: One row per field of an Explore, use and day: what the agents select, filter on and sort by.
-- viewers: yes
-- cost: conversations: created_at, id, user_id, agent_id, messages. Filter on day to read only those partitions.
-- column day: Day the conversation began (UTC). Filter on it: it selects the partitions that are read.
-- column model: LookML model.
-- column explore: Explore.
-- column field: Field, as view.field.
-- column used_as: selected, filter or sort.
-- column turns: Questions that used it so; a question counts once however many queries it took.
-- column queries: Messages that hold a query which uses it so.
-- column users: Users whose questions used it so.
WITH
uses AS (
  SELECT
    queries.created_at,
    queries.conversation_id,
    queries.user_id,
    queries.turn_number,
    queries.position,
    queries.model,
    queries.explore,
    'selected' AS used_as,
    field
  FROM `${dataset}.generated_queries` AS queries
  INNER JOIN UNNEST(queries.fields) AS field
  UNION ALL
  SELECT
    queries.created_at,
    queries.conversation_id,
    queries.user_id,
    queries.turn_number,
    queries.position,
    queries.model,
    queries.explore,
    'filter' AS used_as,
    JSON_VALUE(filter, '$.field') AS field
  FROM `${dataset}.generated_queries` AS queries
  INNER JOIN
    UNNEST(IF(JSON_TYPE(queries.filters) = 'array', JSON_QUERY_ARRAY(queries.filters), NULL)) AS filter
  UNION ALL
  -- Looker's own Query object maps each field to its value; field names hold dots, so keys come back quoted.
  SELECT
    queries.created_at,
    queries.conversation_id,
    queries.user_id,
    queries.turn_number,
    queries.position,
    queries.model,
    queries.explore,
    'filter' AS used_as,
    TRIM(filter, '"') AS field
  FROM `${dataset}.generated_queries` AS queries
  INNER JOIN UNNEST(IF(JSON_TYPE(queries.filters) = 'object', JSON_KEYS(queries.filters, 1), NULL)) AS filter
  UNION ALL
  SELECT
    queries.created_at,
    queries.conversation_id,
    queries.user_id,
    queries.turn_number,
    queries.position,
    queries.model,
    queries.explore,
    'sort' AS used_as,
    SPLIT(sort, ' ')[SAFE_OFFSET(0)] AS field
  FROM `${dataset}.generated_queries` AS queries
  INNER JOIN UNNEST(queries.sorts) AS sort
)

SELECT
  DATE(created_at) AS day,
  model,
  explore,
  field,
  used_as,
  COUNT(DISTINCT FORMAT('%s/%d', conversation_id, turn_number)) AS turns,
  COUNT(DISTINCT FORMAT('%s/%d', conversation_id, position)) AS queries,
  COUNT(DISTINCT user_id) AS users
FROM uses
WHERE field IS NOT NULL AND turn_number > 0
GROUP BY day, model, explore, field, used_as
