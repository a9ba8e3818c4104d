-- description: One row per agent: its configuration as it was last seen beside a conversation.
-- cost: all partitions of conversations, since the last sight may be anywhere, but only agent_id, conversation_agent, id, ingested_at, updated_at.
-- column agent_id: Looker's id of the agent.
-- column agent_name: Its name.
-- column description: What it is for, as its author wrote.
-- column instructions: What it was told to do (context.instructions).
-- column sources: Explores it may query: [{model, explore}].
-- column golden_queries: Number of golden queries it was given.
-- column code_interpreter: Whether it may run code; NULL when unknown.
-- column created_by: Name of its author.
-- column deleted: Whether it was deleted when last seen; NULL when unknown.
-- column updated_at: When its configuration last changed (UTC).
-- column last_seen_at: When this configuration was fetched (UTC).
-- column last_conversation_id: Conversation it was seen beside.
-- column conversation_agent: The whole configuration.
WITH
seen AS (
  SELECT
    COALESCE(agent_id, JSON_VALUE(conversation_agent, '$.id')) AS agent_id,
    conversation_agent,
    ingested_at,
    updated_at,
    id
  FROM `${dataset}.${table}`
  WHERE JSON_TYPE(conversation_agent) = 'object'
)

SELECT
  agent_id,
  JSON_VALUE(conversation_agent, '$.name') AS agent_name,
  JSON_VALUE(conversation_agent, '$.description') AS description,
  JSON_VALUE(conversation_agent, '$.context.instructions') AS instructions,
  JSON_QUERY(conversation_agent, '$.sources') AS sources,
  GREATEST(
    IF(
      JSON_TYPE(JSON_QUERY(conversation_agent, '$.golden_queries')) = 'array',
      ARRAY_LENGTH(JSON_QUERY_ARRAY(conversation_agent, '$.golden_queries')),
      0
    ),
    IF(
      JSON_TYPE(JSON_QUERY(conversation_agent, '$.golden_query_ids')) = 'array',
      ARRAY_LENGTH(JSON_QUERY_ARRAY(conversation_agent, '$.golden_query_ids')),
      0
    )
  ) AS golden_queries,
  SAFE_CAST(JSON_VALUE(conversation_agent, '$.code_interpreter') AS BOOL) AS code_interpreter,
  JSON_VALUE(conversation_agent, '$.created_by_name') AS created_by,
  SAFE_CAST(JSON_VALUE(conversation_agent, '$.deleted') AS BOOL) AS deleted,
  SAFE_CAST(JSON_VALUE(conversation_agent, '$.updated_at') AS TIMESTAMP) AS updated_at,
  ingested_at AS last_seen_at,
  id AS last_conversation_id,
  conversation_agent
FROM seen
WHERE agent_id IS NOT NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY agent_id ORDER BY ingested_at DESC, seen.updated_at DESC, id ASC) = 1
