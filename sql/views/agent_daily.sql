-- description: One row per agent and day: conversations, turns, active users, share answered and how long users waited.
-- viewers: yes
-- cost: conversations: created_at, id, user_id, agent_id, messages, agent name. Filter on day to read only those partitions.
-- column day: Day the conversation began (UTC). Filter on it: it selects the partitions that are read.
-- column agent_id: Looker's id of the agent; NULL when it was deleted or none was chosen.
-- column agent_name: Name of the agent as last seen that day.
-- column conversations: Conversations begun, those without messages included.
-- column turns: Questions asked in them.
-- column active_users: Users who own them.
-- column answered_turns: Questions with an answer.
-- column unknown_turns: Questions of which it is unknown whether they were answered, because messages were not understood.
-- column answered_percent: 100 * answered_turns / (turns - unknown_turns); NULL without such turns.
-- column errors: Errors in these turns, recovered and terminal.
-- column ratings: Questions that were rated; NULL without any.
-- column ratings_positive: Questions whose last rating is a good one; NULL without ratings.
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
    CAST(NULL AS INT64) AS turn_number,
    CAST(NULL AS BOOL) AS answered,
    CAST(NULL AS INT64) AS errors,
    CAST(NULL AS FLOAT64) AS wait_seconds,
    CAST(NULL AS STRING) AS rating,
    CAST(NULL AS BOOL) AS rated_positive
  FROM `${dataset}.${table}`
  UNION ALL
  SELECT
    created_at,
    agent_id,
    user_id,
    conversation_id,
    CAST(NULL AS STRING) AS agent_name,
    turn_number,
    answered,
    errors,
    wait_seconds,
    rating,
    rated_positive
  FROM `${dataset}.turns`
),

daily AS (
  SELECT
    DATE(created_at) AS day,
    agent_id,
    ARRAY_AGG(agent_name IGNORE NULLS ORDER BY created_at DESC)[SAFE_OFFSET(0)] AS agent_name,
    COUNT(DISTINCT conversation_id) AS conversations,
    COUNT(turn_number) AS turns,
    COUNT(DISTINCT user_id) AS active_users,
    COUNTIF(answered) AS answered_turns,
    COUNT(turn_number) - COUNT(answered) AS unknown_turns,
    COALESCE(SUM(errors), 0) AS errors,
    NULLIF(COUNT(rating), 0) AS ratings,
    IF(COUNT(rating) = 0, NULL, COUNTIF(rated_positive)) AS ratings_positive,
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
  unknown_turns,
  100 * SAFE_DIVIDE(answered_turns, turns - unknown_turns) AS answered_percent,
  errors,
  ratings,
  ratings_positive,
  waits[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(waits) * 50 / 100) AS INT64))] AS wait_p50_seconds,
  waits[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(waits) * 90 / 100) AS INT64))] AS wait_p90_seconds,
  waits[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(waits) * 99 / 100) AS INT64))] AS wait_p99_seconds
FROM daily
