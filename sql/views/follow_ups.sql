-- description: One row per follow-up question an agent offered, and whether it was what the user asked next.
-- cost: conversations: created_at, id, user_id, agent_id, messages. Filter on created_at to read only those partitions.
-- column created_at: When the conversation began (UTC). Filter on it: it selects the partitions that are read.
-- column conversation_id: Looker's id of the conversation.
-- column user_id: Looker's id of the user it was offered to.
-- column agent_id: Looker's id of the agent; NULL when it was deleted or none was chosen.
-- column turn_number: Turn it was offered in.
-- column position: Place of the offering message in its conversation, from 1.
-- column place: Place of the question in that message, from 1.
-- column question: What the user had asked.
-- column follow_up: The question that was offered.
-- column next_question: What the user asked next; NULL when nothing.
-- column taken: Whether that was this follow-up, word for word.
WITH
questions AS (
  SELECT
    created_at,
    conversation_id,
    user_id,
    agent_id,
    turn_number,
    position,
    text_type,
    parts,
    MAX(IF(role = 'user', text, NULL)) OVER (PARTITION BY created_at, conversation_id, turn_number) AS question,
    FIRST_VALUE(IF(role = 'user', COALESCE(text, ''), NULL) IGNORE NULLS) OVER (
      PARTITION BY created_at, conversation_id ORDER BY position
      ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    ) AS next_question
  FROM `${dataset}.messages`
)

SELECT
  questions.created_at,
  questions.conversation_id,
  questions.user_id,
  questions.agent_id,
  questions.turn_number,
  questions.position,
  place + 1 AS place,
  questions.question,
  follow_up,
  NULLIF(questions.next_question, '') AS next_question,
  COALESCE(TRIM(questions.next_question) = TRIM(follow_up), FALSE) AS taken
FROM questions
INNER JOIN UNNEST(questions.parts) AS follow_up WITH OFFSET AS place
WHERE
  questions.turn_number > 0
  AND questions.text_type = 'FOLLOWUP_QUESTIONS'
