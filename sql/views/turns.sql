-- description: One row per question of a user: what was asked, what was answered, how long it took and what went wrong.
-- cost: conversations: created_at, id, user_id, agent_id, messages. Filter on created_at to read only those partitions.
-- column created_at: When the conversation began (UTC). Filter on it: it selects the partitions that are read.
-- column conversation_id: Looker's id of the conversation.
-- column user_id: Looker's id of the user who asked.
-- column agent_id: Looker's id of the agent that answered; NULL when it was deleted or none was chosen.
-- column turn_number: Place of the question in its conversation, from 1.
-- column question_message_id: Looker's id of the message that asked.
-- column question: What the user asked; NULL when an application stored it in a form of its own.
-- column asked_at: When the question was asked (UTC, clock of the browser).
-- column answered: Whether an answer was given (messages.is_answer tells which); NULL when none was found and a message after the question was not understood.
-- column answer: Text of the answer, the last one when there are several.
-- column first_thought_at: When the first message of the system came (UTC, clock of the server).
-- column answered_at: When the final response came (UTC, clock of the server).
-- column seconds_to_first_thought: Seconds from the question to the first message of the system; NULL when unknown or negative.
-- column processing_seconds: Seconds from the first message of the system to the final response; NULL when unknown or negative.
-- column wait_seconds: Seconds from the question to the final response: the whole wait of the user; NULL when unknown or negative.
-- column clock_skew: True when a span was negative, because browser and server clocks differ; that span is NULL.
-- column steps: Messages of the system in this turn.
-- column errors: Errors in this turn, recovered and terminal.
-- column recovered_errors: Errors that a final response followed.
-- column terminal_errors: Errors that no final response followed.
-- column follow_ups: Follow-up questions offered.
-- column messages_not_understood: Messages of this turn, the question included, whose sender, kind or text could not be read.
-- column rating: Last rating given between this question and the next, as Looker writes it; NULL without ratings.
-- column rated_positive: Whether that rating is a good one; NULL where its text does not tell.
WITH
marked AS (
  SELECT
    created_at,
    conversation_id,
    user_id,
    agent_id,
    turn_number,
    position,
    role,
    kind,
    text,
    text_type,
    sent_at,
    message_id,
    parts,
    is_answer,
    understood
  FROM `${dataset}.messages`
  WHERE turn_number > 0
),

located AS (
  SELECT
    *,
    -- The first by position that has a time, not the earliest: times out of order must show as skew.
    MIN(IF(role = 'system' AND sent_at IS NOT NULL, position, NULL)) OVER whole_turn AS first_position,
    MAX(IF(is_answer, position, NULL)) OVER whole_turn AS final_position
  FROM marked
  WINDOW whole_turn AS (PARTITION BY created_at, conversation_id, turn_number)
),

gathered AS (
  SELECT
    created_at,
    conversation_id,
    user_id,
    agent_id,
    turn_number,
    MAX(IF(role = 'user', message_id, NULL)) AS question_message_id,
    MAX(IF(role = 'user', text, NULL)) AS question,
    MAX(IF(role = 'user', sent_at, NULL)) AS asked_at,
    LOGICAL_OR(is_answer) AS has_answer,
    COUNTIF(NOT understood) AS messages_not_understood,
    COUNTIF(NOT understood AND COALESCE(role, '') != 'user') AS replies_not_understood,
    MAX(IF(position = final_position, text, NULL)) AS answer,
    MAX(IF(position = first_position, sent_at, NULL)) AS first_thought_at,
    MAX(IF(position = final_position, sent_at, NULL)) AS answered_at,
    COUNTIF(role = 'system') AS steps,
    COUNTIF(kind = 'error') AS errors,
    COUNTIF(kind = 'error' AND position < final_position) AS recovered_errors,
    SUM(IF(text_type = 'FOLLOWUP_QUESTIONS', ARRAY_LENGTH(parts), 0)) AS follow_ups
  FROM located
  GROUP BY created_at, conversation_id, user_id, agent_id, turn_number
),

timed AS (
  SELECT
    *,
    TIMESTAMP_DIFF(first_thought_at, asked_at, MICROSECOND) / 1000000 AS to_first_thought,
    TIMESTAMP_DIFF(answered_at, first_thought_at, MICROSECOND) / 1000000 AS processing,
    TIMESTAMP_DIFF(answered_at, asked_at, MICROSECOND) / 1000000 AS wait
  FROM gathered
),

spans AS (
  SELECT
    *,
    IF(turn_number = 1, created_at, asked_at) AS span_start,
    -- Where the next question has no time, of the first that has one.
    MIN(asked_at) OVER (
      PARTITION BY created_at, conversation_id ORDER BY turn_number
      ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    ) AS span_end
  FROM timed
)

SELECT
  spans.created_at,
  spans.conversation_id,
  spans.user_id,
  spans.agent_id,
  spans.turn_number,
  question_message_id,
  question,
  asked_at,
  IF(NOT has_answer AND replies_not_understood > 0, NULL, has_answer) AS answered,
  answer,
  first_thought_at,
  answered_at,
  IF(to_first_thought >= 0, to_first_thought, NULL) AS seconds_to_first_thought,
  IF(processing >= 0, processing, NULL) AS processing_seconds,
  IF(wait >= 0, wait, NULL) AS wait_seconds,
  COALESCE(to_first_thought < 0, FALSE) OR COALESCE(processing < 0, FALSE) OR COALESCE(wait < 0, FALSE) AS clock_skew,
  steps,
  errors,
  recovered_errors,
  errors - recovered_errors AS terminal_errors,
  follow_ups,
  messages_not_understood,
  feedback.rating,
  feedback.positive AS rated_positive
FROM spans
LEFT JOIN `${dataset}.feedback` AS feedback
  ON
    spans.conversation_id = feedback.conversation_id
    AND spans.span_start <= feedback.rated_at
    AND feedback.rated_at < COALESCE(spans.span_end, TIMESTAMP '9999-12-31')
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY spans.created_at, spans.conversation_id, spans.turn_number
  ORDER BY feedback.rated_at DESC, feedback.user_id ASC
) = 1
