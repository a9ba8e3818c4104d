-- description: One row per query an agent wrote or reused, as a Looker query or as SQL, with the question it serves.
-- cost: conversations: created_at, id, user_id, agent_id, messages. Filter on created_at to read only those partitions.
-- column created_at: When the conversation began (UTC). Filter on it: it selects the partitions that are read.
-- column conversation_id: Looker's id of the conversation.
-- column user_id: Looker's id of the user who asked.
-- column agent_id: Looker's id of the agent; NULL when it was deleted or none was chosen.
-- column turn_number: Turn the query was made in, from 1; 0 before the first question.
-- column position: Place of the message in its conversation, from 1.
-- column message_id: Looker's id of the message.
-- column sent_at: When it was made (UTC, clock of the server).
-- column question: Question it serves; NULL before the first.
-- column language: looker or sql; a message that holds both is looker.
-- column model: LookML model that was queried.
-- column explore: Explore that was queried.
-- column fields: Fields that were selected; empty for SQL.
-- column filters: Filters as written: a list of {field, value} or an object {field: value}.
-- column sorts: Sorts as written, for instance users.age desc; empty for SQL.
-- column row_limit: Most rows asked for; NULL when not a whole number.
-- column generated_sql: The SQL.
-- column looker_query: The whole Looker query.
WITH
asked AS (
  SELECT
    *,
    MAX(IF(role = 'user', text, NULL)) OVER (PARTITION BY created_at, conversation_id, turn_number) AS question
  FROM `${dataset}.messages`
)

SELECT
  created_at,
  conversation_id,
  user_id,
  agent_id,
  turn_number,
  position,
  message_id,
  sent_at,
  question,
  IF(looker_query IS NULL, 'sql', 'looker') AS language,
  model,
  explore,
  ARRAY(
    SELECT field
    FROM
      UNNEST(
        IF(
          JSON_TYPE(JSON_QUERY(looker_query, '$.fields')) = 'array', JSON_VALUE_ARRAY(looker_query, '$.fields'), NULL
        )
      ) AS field WITH OFFSET AS place
    WHERE field IS NOT NULL
    ORDER BY place
  ) AS fields,
  JSON_QUERY(looker_query, '$.filters') AS filters,
  ARRAY(
    SELECT sort
    FROM
      UNNEST(
        IF(
          JSON_TYPE(JSON_QUERY(looker_query, '$.sorts')) = 'array', JSON_VALUE_ARRAY(looker_query, '$.sorts'), NULL
        )
      ) AS sort WITH OFFSET AS place
    WHERE sort IS NOT NULL
    ORDER BY place
  ) AS sorts,
  SAFE_CAST(JSON_VALUE(looker_query, '$.limit') AS INT64) AS row_limit,
  generated_sql,
  looker_query
FROM asked
WHERE looker_query IS NOT NULL OR generated_sql IS NOT NULL
