-- description: Sessions of a user (questions less than 30 minutes apart, over all conversations) and their timing.
-- cost: the partitions from @since to @until.
-- parameter since: TIMESTAMP, first moment that counts.
-- parameter until: TIMESTAMP, first moment that does not count any more.
WITH
-- Without a time of its own a question counts from when its conversation began.
asked AS (
  SELECT
    *,
    COALESCE(asked_at, first_thought_at, created_at) AS moment
  FROM `${dataset}.turns`
  WHERE created_at >= @since AND created_at < @until
),

gaps AS (
  SELECT
    *,
    TIMESTAMP_DIFF(moment, LAG(moment) OVER in_time, SECOND) AS seconds_since_last
  FROM asked
  WINDOW in_time AS (PARTITION BY user_id ORDER BY moment, conversation_id, turn_number)
),

numbered AS (
  SELECT
    *,
    COUNTIF(seconds_since_last IS NULL OR seconds_since_last >= 1800) OVER (
      PARTITION BY user_id ORDER BY moment, conversation_id, turn_number
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS session_number
  FROM gaps
)

SELECT
  user_id,
  session_number,
  MIN(moment) AS started_at,
  MAX(COALESCE(answered_at, moment)) AS ended_at,
  TIMESTAMP_DIFF(MAX(COALESCE(answered_at, moment)), MIN(moment), SECOND) AS session_seconds,
  COUNT(DISTINCT conversation_id) AS conversations,
  COUNT(*) AS questions,
  COUNTIF(answered) AS answered,
  AVG(seconds_to_first_thought) AS mean_seconds_to_first_thought,
  AVG(processing_seconds) AS mean_processing_seconds,
  AVG(wait_seconds) AS mean_wait_seconds,
  MAX(wait_seconds) AS longest_wait_seconds
FROM numbered
GROUP BY user_id, session_number
ORDER BY user_id, session_number
