-- description: One row per Explore and day: how many questions, users and conversations queried it, and how it went.
-- viewers: yes
-- cost: conversations: created_at, id, user_id, agent_id, messages. Filter on day to read only those partitions.
-- column day: Day the conversation began (UTC). Filter on it: it selects the partitions that are read.
-- column model: LookML model.
-- column explore: Explore.
-- column turns: Questions that queried it; a question counts once however many queries it took.
-- column queries: Messages that hold a query of it.
-- column conversations: Conversations that queried it.
-- column users: Users who queried it.
-- column answered_turns: Questions among turns that got a final response.
-- column answered_percent: 100 * answered_turns / turns.
WITH
used AS (
  SELECT
    created_at,
    conversation_id,
    user_id,
    turn_number,
    position,
    role = 'system' AND text_type = 'FINAL_RESPONSE' AND text IS NOT NULL AS is_final,
    IF(looker_query IS NULL, NULL, model) AS model,
    IF(looker_query IS NULL, NULL, explore) AS explore
  FROM `${dataset}.messages`
  WHERE turn_number > 0
),

judged AS (
  SELECT
    *,
    COALESCE(LOGICAL_OR(is_final) OVER (PARTITION BY created_at, conversation_id, turn_number), FALSE) AS answered
  FROM used
),

by_turn AS (
  SELECT
    created_at,
    conversation_id,
    user_id,
    turn_number,
    model,
    explore,
    answered,
    COUNT(*) AS queries
  FROM judged
  WHERE model IS NOT NULL OR explore IS NOT NULL
  GROUP BY created_at, conversation_id, user_id, turn_number, model, explore, answered
)

SELECT
  DATE(created_at) AS day,
  model,
  explore,
  COUNT(*) AS turns,
  SUM(queries) AS queries,
  COUNT(DISTINCT conversation_id) AS conversations,
  COUNT(DISTINCT user_id) AS users,
  COUNTIF(answered) AS answered_turns,
  100 * COUNTIF(answered) / COUNT(*) AS answered_percent
FROM by_turn
GROUP BY day, model, explore
