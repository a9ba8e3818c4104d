-- description: One row per message of a conversation, typed; both shapes Looker stores are already one in the table.
-- cost: conversations: created_at, id, user_id, agent_id, messages. Filter on created_at to read only those partitions.
-- column created_at: When the conversation began (UTC). Filter on it: it selects the partitions that are read.
-- column conversation_id: Looker's id of the conversation.
-- column user_id: Looker's id of the user who owns the conversation.
-- column agent_id: Looker's id of the agent that answered; NULL when it was deleted or none was chosen.
-- column position: Place of the message in its conversation, from 1: by Looker's order, then as stored.
-- column turn_number: Turn the message belongs to, from 1; 0 for what came before the first question.
-- column message_id: Looker's id of the message; NULL when it has none.
-- column message_order: Looker's own order; NULL when missing or not a whole number.
-- column role: user or system; NULL when the message says neither.
-- column kind: user, text, schema, data, analysis, chart, error, clarification, exampleQueries or a later kind; unknown when nothing tells.
-- column text_type: FINAL_RESPONSE, THOUGHT, PROGRESS or FOLLOWUP_QUESTIONS for kind text; NULL for others, and for texts without a type (older than the types).
-- column text: What a person would read: the question, the parts of a text one per line, an error, or what a step was asked.
-- column parts: The parts of a text message, for instance one per follow-up question; empty for others.
-- column sent_at: When it was sent (UTC): browser clock for user, server clock for system; NULL when missing or unreadable.
-- column model: LookML model that was queried.
-- column explore: Explore that was queried.
-- column generated_sql: SQL the agent wrote or reused.
-- column looker_query: Looker query the agent wrote: {model, explore, fields, filters, sorts, limit, ...}.
-- column result_name: Name of the data result, as charts and analyses refer to it.
-- column result_row_count: Rows of the data result; the rows themselves are not stored.
-- column is_answer: Whether it answers its turn: a final response with a text; where there is none, the last text without a type.
-- column understood: Whether sender, kind and text could be read; false for what an application stored in a form of its own, and for later kinds.
-- column message: The whole canonical message, for anything without a column.
WITH
stored AS (
  SELECT
    conversations.created_at,
    conversations.id AS conversation_id,
    conversations.user_id,
    conversations.agent_id,
    message,
    place,
    JSON_QUERY(message, '$.systemMessage') AS said,
    ARRAY(
      SELECT JSON_VALUE(part, '$')
      FROM
        UNNEST(
          IF(
            JSON_TYPE(JSON_QUERY(message, '$.systemMessage.text.parts')) = 'array',
            JSON_QUERY_ARRAY(message, '$.systemMessage.text.parts'),
            NULL
          )
        ) AS part WITH OFFSET AS part_place
      WHERE JSON_TYPE(part) NOT IN ('null', 'object', 'array')
      ORDER BY part_place
    ) AS parts,
    (
      SELECT COUNT(*)
      FROM
        UNNEST(
          IF(
            JSON_TYPE(JSON_QUERY(message, '$.systemMessage.text.parts')) = 'array',
            JSON_QUERY_ARRAY(message, '$.systemMessage.text.parts'),
            NULL
          )
        ) AS part
      WHERE JSON_TYPE(part) IN ('object', 'array')
    ) AS unread_parts,
    SAFE_CAST(JSON_VALUE(message, '$.order') AS INT64) AS message_order,
    COALESCE(
      IF(JSON_VALUE(message, '$.type') IN ('user', 'system'), JSON_VALUE(message, '$.type'), NULL),
      IF(JSON_TYPE(JSON_QUERY(message, '$.userMessage')) = 'object', 'user', NULL),
      IF(JSON_TYPE(JSON_QUERY(message, '$.systemMessage')) = 'object', 'system', NULL)
    ) AS role
  FROM `${dataset}.${table}` AS conversations
  -- Here and below: anything may stand where a list belongs, so its type is asked first.
  INNER JOIN
    UNNEST(
      IF(JSON_TYPE(conversations.messages) = 'array', JSON_QUERY_ARRAY(conversations.messages), NULL)
    ) AS message WITH OFFSET AS place
),

ordered AS (
  SELECT
    *,
    -- A message without an order of its own stands right after the one it is stored behind.
    LAST_VALUE(message_order IGNORE NULLS) OVER (
      PARTITION BY created_at, conversation_id ORDER BY place
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS known_order
  FROM stored
),

typed AS (
  SELECT
    created_at,
    conversation_id,
    user_id,
    agent_id,
    ROW_NUMBER() OVER in_order AS position,
    COUNTIF(role = 'user') OVER (in_order ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS turn_number,
    JSON_VALUE(message, '$.id') AS message_id,
    message_order,
    role,
    CASE
      WHEN role = 'user' THEN 'user'
      ELSE
        COALESCE(
          (
            SELECT known
            FROM
              UNNEST(
                [
                  'text', 'data', 'error', 'schema', 'chart', 'analysis', 'clarification', 'exampleQueries',
                  'keyDriverAnalysis', 'outlierDetection', 'periodComparison', 'advancedInsight'
                ]
              ) AS known WITH OFFSET AS preference
            -- Typed clients write the members a message does not have as null.
            WHERE JSON_TYPE(said[known]) != 'null'
            ORDER BY preference
            LIMIT 1
          ),
          JSON_VALUE(said, '$.kind'),
          'unknown'
        )
    END AS kind,
    -- Some stores hold the number of the enumeration instead of its name.
    CASE JSON_VALUE(said, '$.text.textType')
      WHEN '1' THEN 'FINAL_RESPONSE'
      WHEN '2' THEN 'THOUGHT'
      WHEN '3' THEN 'PROGRESS'
      WHEN '4' THEN 'FOLLOWUP_QUESTIONS'
      WHEN '0' THEN NULL
      WHEN 'TEXT_TYPE_UNSPECIFIED' THEN NULL
      ELSE JSON_VALUE(said, '$.text.textType')
    END AS text_type,
    COALESCE(
      JSON_VALUE(message, '$.userMessage.text'),
      JSON_VALUE(message, '$.userMessage'),
      NULLIF(ARRAY_TO_STRING(parts, '\n'), ''),
      JSON_VALUE(said, '$.text.parts'),
      JSON_VALUE(said, '$.error.text'),
      JSON_VALUE(said, '$.data.query.question'),
      JSON_VALUE(said, '$.schema.query.question'),
      JSON_VALUE(said, '$.chart.query.instructions'),
      JSON_VALUE(said, '$.analysis.query.question'),
      JSON_VALUE(said, '$.clarification.questions[0].question'),
      JSON_VALUE(message, '$.message')
    ) AS text,
    parts,
    SAFE_CAST(JSON_VALUE(message, '$.timestamp') AS TIMESTAMP) AS sent_at,
    COALESCE(
      JSON_VALUE(said, '$.data.query.looker.model'),
      JSON_VALUE(said, '$.data.generatedLookerQuery.model'),
      JSON_VALUE(said, '$.data.query.datasources[0].lookerExploreReference.lookmlModel'),
      JSON_VALUE(said, '$.schema.query.datasources[0].lookerExploreReference.lookmlModel')
    ) AS model,
    -- Looker's own Query object calls the explore `view`.
    COALESCE(
      JSON_VALUE(said, '$.data.query.looker.explore'),
      JSON_VALUE(said, '$.data.query.looker.view'),
      JSON_VALUE(said, '$.data.generatedLookerQuery.explore'),
      JSON_VALUE(said, '$.data.generatedLookerQuery.view'),
      JSON_VALUE(said, '$.data.query.datasources[0].lookerExploreReference.explore'),
      JSON_VALUE(said, '$.schema.query.datasources[0].lookerExploreReference.explore')
    ) AS explore,
    COALESCE(
      JSON_VALUE(said, '$.data.generatedSql'),
      JSON_VALUE(said, '$.data.matchedQuery.sqlQuery')
    ) AS generated_sql,
    CASE
      WHEN JSON_TYPE(JSON_QUERY(said, '$.data.query.looker')) = 'object' THEN JSON_QUERY(said, '$.data.query.looker')
      WHEN JSON_TYPE(JSON_QUERY(said, '$.data.generatedLookerQuery')) = 'object'
        THEN JSON_QUERY(said, '$.data.generatedLookerQuery')
    END AS looker_query,
    JSON_VALUE(said, '$.data.result.name') AS result_name,
    SAFE_CAST(JSON_VALUE(said, '$.data.result.rowCount') AS INT64) AS result_row_count,
    said,
    unread_parts,
    message
  FROM ordered
  WINDOW in_order AS (PARTITION BY created_at, conversation_id ORDER BY known_order, place)
)

SELECT
  created_at,
  conversation_id,
  user_id,
  agent_id,
  position,
  turn_number,
  message_id,
  message_order,
  role,
  kind,
  text_type,
  text,
  parts,
  sent_at,
  model,
  explore,
  generated_sql,
  looker_query,
  result_name,
  result_row_count,
  COALESCE(
    role = 'system' AND kind = 'text' AND text IS NOT NULL
    AND (
      text_type = 'FINAL_RESPONSE'
      OR (
        text_type IS NULL
        AND COUNTIF(role = 'system' AND text_type = 'FINAL_RESPONSE' AND text IS NOT NULL) OVER whole_turn = 0
        AND position
        = MAX(IF(role = 'system' AND kind = 'text' AND text_type IS NULL AND text IS NOT NULL, position, NULL))
          OVER whole_turn
      )
    ),
    FALSE
  ) AS is_answer,
  CASE
    WHEN role = 'user' THEN text IS NOT NULL
    WHEN role IS NULL OR COALESCE(JSON_TYPE(said[kind]), 'null') != 'object' THEN FALSE
    WHEN kind = 'text'
      THEN
        COALESCE(text_type IN ('FINAL_RESPONSE', 'THOUGHT', 'PROGRESS', 'FOLLOWUP_QUESTIONS'), TRUE)
        -- No parts are a text that says nothing; parts that are no texts are one that cannot be read.
        AND (
          text IS NOT NULL
          OR COALESCE(JSON_TYPE(JSON_QUERY(said, '$.text.parts')), 'null') = 'null'
          OR (JSON_TYPE(JSON_QUERY(said, '$.text.parts')) = 'array' AND unread_parts = 0)
        )
    ELSE
      kind IN (
        'data', 'error', 'schema', 'chart', 'analysis', 'clarification', 'exampleQueries',
        'keyDriverAnalysis', 'outlierDetection', 'periodComparison', 'advancedInsight'
      )
  END AS understood,
  message
FROM typed
WINDOW whole_turn AS (PARTITION BY created_at, conversation_id, turn_number)
