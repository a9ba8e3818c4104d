-- description: One row per agent and day: conversations, turns, active users, share answered and how long users waited.
-- viewers: yes
-- cost: conversations: created_at, id, user_id, agent_id, messages, agent name. Filter on day to read only those partitions.
-- column day: Day the conversation began (UTC). Filter on it: it selects the partitions that are read.
-- column agent_id: Looker's id of the agent; NULL when it was deleted or none was chosen.
-- column agent_name: Name of the agent as last seen that day.
-- column conversations: Conversations begun, those without messages included.
-- column turns: Questions asked in them.
-- column active_users: Users who own them.
-- column answered_turns: Questions with a final response.
-- column answered_percent: 100 * answered_turns / turns; NULL without turns.
-- column errors: Errors in these turns, recovered and terminal.
-- column wait_p50_seconds: Median wait from question to final response; nearest rank, over the turns whose wait is known.
-- column wait_p90_seconds: 90th percentile of the wait.
-- column wait_p99_seconds: 99th percentile of the wait.
WITH
-- One row per conversation, so that those without a turn count, and one per turn; a union lets the filter on day
-- reach the partitions of both, which a join would not promise.
facts AS (
  SELECT
    created_at,
    agent_id,
    user_id,
    id AS conversation_id,
    JSON_VALUE(conversation_agent, '$.name') AS agent_name,
    CAST(NULL AS BOOL) AS answered,
    CAST(NULL AS INT64) AS errors,
    CAST(NULL AS FLOAT64) AS wait_seconds
  FROM `${dataset}.${table}`
  UNION ALL
  SELECT
    created_at,
    agent_id,
    user_id,
    conversation_id,
    CAST(NULL AS STRING) AS agent_name,
    answered,
    errors,
    wait_seconds
  FROM `${dataset}.turns`
),

daily AS (
  SELECT
    DATE(created_at) AS day,
    agent_id,
    ARRAY_AGG(agent_name IGNORE NULLS ORDER BY created_at DESC)[SAFE_OFFSET(0)] AS agent_name,
    COUNT(DISTINCT conversation_id) AS conversations,
    COUNT(answered) AS turns,
    COUNT(DISTINCT user_id) AS active_users,
    COUNTIF(answered) AS answered_turns,
    COALESCE(SUM(errors), 0) AS errors,
    ARRAY_AGG(wait_seconds IGNORE NULLS ORDER BY wait_seconds) AS waits
  FROM facts
  GROUP BY day, agent_id
)

SELECT
  day,
  agent_id,
  agent_name,
  conversations,
  turns,
  active_users,
  answered_turns,
  100 * SAFE_DIVIDE(answered_turns, turns) AS answered_percent,
  errors,
  waits[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(waits) * 50 / 100) AS INT64))] AS wait_p50_seconds,
  waits[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(waits) * 90 / 100) AS INT64))] AS wait_p90_seconds,
  waits[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(waits) * 99 / 100) AS INT64))] AS wait_p99_seconds
FROM daily
