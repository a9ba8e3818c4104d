-- description: Conversations, users and questions by agent and day, with the share answered.
-- cost: the partitions from @since to @until.
-- parameter since: DATE, first day that counts.
-- parameter until: DATE, last day that counts.
SELECT
  day,
  agent_id,
  agent_name,
  conversations,
  active_users,
  turns,
  answered_percent
FROM `${dataset}.agent_daily`
WHERE day BETWEEN @since AND @until
ORDER BY day ASC, conversations DESC, agent_id ASC
