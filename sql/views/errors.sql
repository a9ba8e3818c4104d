-- description: One row per error an agent ran into, with the question it happened under and whether it was overcome.
-- cost: conversations: created_at, id, user_id, agent_id, messages. Filter on created_at to read only those partitions.
-- column created_at: When the conversation began (UTC). Filter on it: it selects the partitions that are read.
-- column conversation_id: Looker's id of the conversation.
-- column user_id: Looker's id of the user who asked.
-- column agent_id: Looker's id of the agent; NULL when it was deleted or none was chosen.
-- column turn_number: Turn it happened in, from 1; 0 before the first question.
-- column position: Place of the message in its conversation, from 1.
-- column message_id: Looker's id of the message.
-- column occurred_at: When it happened (UTC, clock of the server).
-- column error_kind: Step that failed, as the text begins with it, for instance ACTION_GENERATION; other when it does not.
-- column error: Text of the error.
-- column question: Question it happened under; NULL before the first.
-- column recovered: Whether a final response followed in the same turn; otherwise the error was terminal.
WITH
marked AS (
  SELECT
    *,
    MAX(IF(role = 'user', text, NULL)) OVER whole_turn AS question,
    MAX(IF(is_answer, position, NULL)) OVER whole_turn AS final_position
  FROM `${dataset}.messages`
  WINDOW whole_turn AS (PARTITION BY created_at, conversation_id, turn_number)
)

SELECT
  created_at,
  conversation_id,
  user_id,
  agent_id,
  turn_number,
  position,
  message_id,
  sent_at AS occurred_at,
  COALESCE(REGEXP_EXTRACT(text, r'^([A-Z][A-Z0-9_]{2,})\b'), 'other') AS error_kind,
  text AS error,
  question,
  COALESCE(final_position > position AND turn_number > 0, FALSE) AS recovered
FROM marked
WHERE kind = 'error'
