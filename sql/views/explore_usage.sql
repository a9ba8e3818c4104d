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
-- column answered_turns: Questions among turns that got an answer.
-- column unknown_turns: Questions among turns of which it is unknown whether they were answered, because messages were not understood.
-- column answered_percent: 100 * answered_turns / (turns - unknown_turns); NULL without such turns.
WITH
used AS (
  SELECT
    created_at,
    conversation_id,
    user_id,
    turn_number,
    position,
    is_answer,
    NOT understood AND COALESCE(role, '') != 'user' AS is_unknown,
    IF(looker_query IS NULL, NULL, model) AS model,
    IF(looker_query IS NULL, NULL, explore) AS explore
  FROM `${dataset}.messages`
  WHERE turn_number > 0
),

judged AS (
  SELECT
    *,
    -- As in turns: unknown where no answer was found and something was not understood.
    CASE
      WHEN LOGICAL_OR(is_answer) OVER whole_turn THEN TRUE
      WHEN NOT LOGICAL_OR(is_unknown) OVER whole_turn THEN FALSE
    END AS answered
  FROM used
  WINDOW whole_turn AS (PARTITION BY created_at, conversation_id, turn_number)
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
  COUNTIF(answered IS NULL) AS unknown_turns,
  100 * SAFE_DIVIDE(COUNTIF(answered), COUNT(answered)) AS answered_percent
FROM by_turn
GROUP BY day, model, explore
