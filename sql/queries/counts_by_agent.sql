-- description: Conversations, users, messages and questions by agent, over conversations begun in [@since, @until).
-- cost: the partitions from @since to @until; agent_id and conversation_agent of all partitions for the names.
-- parameter since: TIMESTAMP, first moment that counts.
-- parameter until: TIMESTAMP, first moment that does not count any more.
WITH
counts AS (
  SELECT
    agent_id,
    COUNT(DISTINCT conversation_id) AS conversations,
    COUNT(DISTINCT user_id) AS users,
    COUNT(*) AS messages,
    COUNTIF(role = 'user') AS questions
  FROM `${dataset}.messages`
  WHERE created_at >= @since AND created_at < @until
  GROUP BY agent_id
)

SELECT
  counts.agent_id,
  agents.agent_name,
  counts.conversations,
  counts.users,
  counts.messages,
  counts.questions
FROM counts
LEFT JOIN `${dataset}.conversation_latest_agent` AS agents ON counts.agent_id = agents.agent_id
ORDER BY counts.conversations DESC, counts.agent_id ASC
