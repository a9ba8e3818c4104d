-- description: Questions that got no final response, or got it after more than a minute: where to look first.
-- cost: conversations: created_at, id, user_id, agent_id, messages. Filter on created_at to read only those partitions.
-- column created_at: When the conversation began (UTC). Filter on it: it selects the partitions that are read.
-- column conversation_id: Looker's id of the conversation.
-- column user_id: Looker's id of the user who asked.
-- column agent_id: Looker's id of the agent; NULL when it was deleted or none was chosen.
-- column turn_number: Place of the question in its conversation, from 1.
-- column problem: unanswered or slow.
-- column question: What the user asked.
-- column asked_at: When (UTC, clock of the browser).
-- column seconds: Whole wait of the user, or the processing where browser and server clocks disagree; NULL when unanswered.
-- column steps: Messages of the system in this turn.
-- column errors: Errors in this turn.
-- column clock_skew: True when browser and server clocks disagree.
SELECT
  created_at,
  conversation_id,
  user_id,
  agent_id,
  turn_number,
  IF(answered, 'slow', 'unanswered') AS problem,
  question,
  asked_at,
  COALESCE(wait_seconds, processing_seconds) AS seconds,
  steps,
  errors,
  clock_skew
FROM `${dataset}.turns`
WHERE NOT answered OR COALESCE(wait_seconds, processing_seconds) > 60
