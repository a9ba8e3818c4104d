-- description: Unnests one conversation from the table itself: what was said, in order, and by whom.
-- cost: the partition of @day only; without the day the whole table would be read.
-- parameter conversation_id: STRING, Looker's id of the conversation.
-- parameter day: DATE, day the conversation began (UTC).
SELECT
  SAFE_CAST(JSON_VALUE(message, '$.order') AS INT64) AS message_order,
  JSON_VALUE(message, '$.type') AS role,
  SAFE_CAST(JSON_VALUE(message, '$.timestamp') AS TIMESTAMP) AS sent_at,
  JSON_VALUE(message, '$.systemMessage.text.textType') AS text_type,
  COALESCE(
    JSON_VALUE(message, '$.userMessage.text'),
    IF(
      JSON_TYPE(JSON_QUERY(message, '$.systemMessage.text.parts')) = 'array',
      ARRAY_TO_STRING(JSON_VALUE_ARRAY(message, '$.systemMessage.text.parts'), '\n'),
      NULL
    ),
    JSON_VALUE(message, '$.systemMessage.error.text')
  ) AS text,
  message
FROM `${dataset}.${table}` AS conversations
INNER JOIN
  UNNEST(
    IF(JSON_TYPE(conversations.messages) = 'array', JSON_QUERY_ARRAY(conversations.messages), NULL)
  ) AS message WITH OFFSET AS place
WHERE
  conversations.id = @conversation_id
  AND TIMESTAMP_TRUNC(conversations.created_at, DAY) = TIMESTAMP(@day)
ORDER BY message_order, place
