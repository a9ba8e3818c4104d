-- description: One row per user and day: conversations, turns, agents used, share answered and how long the user waited.
-- viewers: yes
-- cost: conversations: created_at, id, user_id, agent_id, messages. Filter on day to read only those partitions.
-- column day: Day the conversation began (UTC). Filter on it: it selects the partitions that are read.
-- column user_id: Looker's id of the user; the rows of a day are its active users.
-- column conversations: Conversations begun, those without messages included.
-- column turns: Questions asked in them.
-- column agents: Different agents asked.
-- column answered_turns: Questions with an answer.
-- column unknown_turns: Questions of which it is unknown whether they were answered, because messages were not understood.
-- column answered_percent: 100 * answered_turns / (turns - unknown_turns); NULL without such turns.
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
    CAST(NULL AS INT64) AS turn_number,
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
    turn_number,
    answered,
    errors,
    wait_seconds
  FROM `${dataset}.turns`
),

daily AS (
  SELECT
    DATE(created_at) AS day,
    user_id,
    COUNT(DISTINCT conversation_id) AS conversations,
    COUNT(turn_number) AS turns,
    COUNT(DISTINCT agent_id) AS agents,
    COUNTIF(answered) AS answered_turns,
    COUNT(turn_number) - COUNT(answered) AS unknown_turns,
    COALESCE(SUM(errors), 0) AS errors,
    ARRAY_AGG(wait_seconds IGNORE NULLS ORDER BY wait_seconds) AS waits
  FROM facts
  GROUP BY day, user_id
)

SELECT
  day,
  user_id,
  conversations,
  turns,
  agents,
  answered_turns,
  unknown_turns,
  100 * SAFE_DIVIDE(answered_turns, turns - unknown_turns) AS answered_percent,
  errors,
  waits[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(waits) * 50 / 100) AS INT64))] AS wait_p50_seconds,
  waits[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(waits) * 90 / 100) AS INT64))] AS wait_p90_seconds,
  waits[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(waits) * 99 / 100) AS INT64))] AS wait_p99_seconds
FROM daily
