-- description: One row per day: percentiles of the time to first thought, of the processing and of the whole wait.
-- viewers: yes
-- cost: conversations: created_at, id, user_id, agent_id, messages. Filter on day to read only those partitions.
-- column day: Day the conversation began (UTC). Filter on it: it selects the partitions that are read.
-- column turns: Questions asked.
-- column timed_turns: Questions whose whole wait is known.
-- column skewed_turns: Questions with a negative span, left out of the percentile it concerns.
-- column first_thought_p50_seconds: Median of the time from question to first message; nearest rank.
-- column first_thought_p90_seconds: 90th percentile of the time from question to first message; nearest rank.
-- column first_thought_p99_seconds: 99th percentile of the time from question to first message; nearest rank.
-- column processing_p50_seconds: Median of the time from first message to final response; nearest rank.
-- column processing_p90_seconds: 90th percentile of the time from first message to final response; nearest rank.
-- column processing_p99_seconds: 99th percentile of the time from first message to final response; nearest rank.
-- column wait_p50_seconds: Median of the wait from question to final response; nearest rank.
-- column wait_p90_seconds: 90th percentile of the wait from question to final response; nearest rank.
-- column wait_p99_seconds: 99th percentile of the wait from question to final response; nearest rank.
WITH
daily AS (
  SELECT
    DATE(created_at) AS day,
    COUNT(*) AS turns,
    COUNTIF(clock_skew) AS skewed_turns,
    ARRAY_AGG(seconds_to_first_thought IGNORE NULLS ORDER BY seconds_to_first_thought) AS thoughts,
    ARRAY_AGG(processing_seconds IGNORE NULLS ORDER BY processing_seconds) AS processings,
    ARRAY_AGG(wait_seconds IGNORE NULLS ORDER BY wait_seconds) AS waits
  FROM `${dataset}.turns`
  GROUP BY day
)

SELECT
  day,
  turns,
  COALESCE(ARRAY_LENGTH(waits), 0) AS timed_turns,
  skewed_turns,
  thoughts[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(thoughts) * 50 / 100) AS INT64))] AS first_thought_p50_seconds,
  thoughts[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(thoughts) * 90 / 100) AS INT64))] AS first_thought_p90_seconds,
  thoughts[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(thoughts) * 99 / 100) AS INT64))] AS first_thought_p99_seconds,
  processings[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(processings) * 50 / 100) AS INT64))] AS processing_p50_seconds,
  processings[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(processings) * 90 / 100) AS INT64))] AS processing_p90_seconds,
  processings[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(processings) * 99 / 100) AS INT64))] AS processing_p99_seconds,
  waits[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(waits) * 50 / 100) AS INT64))] AS wait_p50_seconds,
  waits[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(waits) * 90 / 100) AS INT64))] AS wait_p90_seconds,
  waits[SAFE_ORDINAL(CAST(CEIL(ARRAY_LENGTH(waits) * 99 / 100) AS INT64))] AS wait_p99_seconds
FROM daily
