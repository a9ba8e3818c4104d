-- description: One row per day: bytes Looker sent, bytes that are stored, and what leaving the heavy parts out saved.
-- viewers: yes
-- cost: conversations: created_at, message_count, raw_bytes, stored_bytes. Filter on day to read only those partitions.
-- column day: Day the conversation began (UTC). Filter on it: it selects the partitions that are read.
-- column conversations: Conversations begun.
-- column messages: Messages in them.
-- column raw_bytes: Bytes of the conversations as Looker sent them.
-- column stored_bytes: Bytes of their messages as stored.
-- column saved_bytes: raw_bytes - stored_bytes.
-- column saved_percent: 100 * saved_bytes / raw_bytes; NULL when nothing was sent.
SELECT
  DATE(created_at) AS day,
  COUNT(*) AS conversations,
  SUM(message_count) AS messages,
  SUM(raw_bytes) AS raw_bytes,
  SUM(stored_bytes) AS stored_bytes,
  SUM(raw_bytes) - SUM(stored_bytes) AS saved_bytes,
  100 * SAFE_DIVIDE(SUM(raw_bytes) - SUM(stored_bytes), SUM(raw_bytes)) AS saved_percent
FROM `${dataset}.${table}`
GROUP BY day
