-- Everything a run writes, in one transaction. Running it twice changes nothing the second time.
-- ${staging} holds rows of kind 'conversation', 'reject' and 'feedback', for each of the first two a tiny one of kind
-- 'sent', and of kind 'window' what became of the users' windows, as a payload {"since": ..., "until": ..., "finished": bool,
-- "anchored": bool, "user_ids": [...], "skipped": text, "failed": bool}. @moves is an array of those that are not staged.

-- The days whose partitions the MERGE may touch; a variable, so that BigQuery can prune the others.
DECLARE days ARRAY<TIMESTAMP> DEFAULT (
  SELECT ARRAY_AGG(DISTINCT TIMESTAMP_TRUNC(created_at, DAY))
  FROM `${staging}`
  WHERE kind = 'conversation'
);

BEGIN TRANSACTION;

-- Transactions that only append do not conflict, so two that start from the same state could add the same rows twice.
-- Each touches the first row of every run that may be under way, its own and the other's: one of two is then aborted.
UPDATE `${dataset}.sync_runs` SET state = state
WHERE state = 'running' AND recorded_at >= TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 1 DAY);

MERGE `${dataset}.${table}` AS held
USING (
  -- The newest version is found among the keys alone: a row of many megabytes is not sorted.
  WITH newest AS (
    SELECT
      id,
      updated_at,
      ingested_at,
      ROW_NUMBER() OVER (PARTITION BY id ORDER BY updated_at DESC, ingested_at DESC) AS place
    FROM `${staging}`
    WHERE kind = 'conversation'
  )

  SELECT staged.*
  FROM `${staging}` AS staged
  INNER JOIN newest
    ON staged.id = newest.id AND staged.updated_at = newest.updated_at AND staged.ingested_at = newest.ingested_at
  WHERE staged.kind = 'conversation' AND newest.place = 1
) AS fetched
  ON held.id = fetched.id AND TIMESTAMP_TRUNC(held.created_at, DAY) IN UNNEST(days)
WHEN MATCHED AND (
  fetched.updated_at > held.updated_at
  OR (fetched.updated_at = held.updated_at AND fetched.ingested_at > held.ingested_at)
) THEN
  UPDATE
    SET
      user_id = fetched.user_id,
      agent_id = fetched.agent_id,
      name = fetched.name,
      category = fetched.category,
      sources = fetched.sources,
      created_at = fetched.created_at,
      updated_at = fetched.updated_at,
      deleted = fetched.deleted,
      missing_agent = fetched.missing_agent,
      messages = fetched.messages,
      conversation_agent = fetched.conversation_agent,
      message_count = fetched.message_count,
      raw_bytes = fetched.raw_bytes,
      stored_bytes = fetched.stored_bytes,
      extra = fetched.extra,
      run_id = fetched.run_id,
      ingested_at = fetched.ingested_at
WHEN NOT MATCHED THEN INSERT (
  id, user_id, agent_id, name, category, sources, created_at, updated_at, deleted, missing_agent, messages,
  conversation_agent, message_count, raw_bytes, stored_bytes, extra, run_id, ingested_at
) VALUES (
  fetched.id, fetched.user_id, fetched.agent_id, fetched.name, fetched.category, fetched.sources, fetched.created_at,
  fetched.updated_at, fetched.deleted, fetched.missing_agent, fetched.messages, fetched.conversation_agent,
  fetched.message_count, fetched.raw_bytes, fetched.stored_bytes, fetched.extra, fetched.run_id, fetched.ingested_at
);

-- The same version of a conversation is refused once, however often it is met. What was sent and is not in the staging
-- table was refused by BigQuery's load: it is a reject without its text.
MERGE `${dataset}.rejects` AS held
USING (
  WITH latest AS (
    -- By fetch, not by part: the pieces of one body stay together.
    SELECT id, COALESCE(updated_at, TIMESTAMP '1970-01-01') AS version, MAX(ingested_at) AS ingested_at
    FROM `${staging}`
    WHERE kind = 'reject'
    GROUP BY id, version
  ),

  loaded AS (
    SELECT DISTINCT id, COALESCE(updated_at, TIMESTAMP '1970-01-01') AS version
    FROM `${staging}`
    WHERE kind IN ('conversation', 'reject')
  )

  SELECT
    staged.id,
    staged.user_id,
    staged.updated_at,
    staged.reason,
    staged.raw,
    staged.part,
    staged.parts,
    staged.bytes,
    staged.sha256,
    staged.run_id,
    staged.ingested_at
  FROM `${staging}` AS staged
  INNER JOIN latest
    ON
      staged.id = latest.id
      AND COALESCE(staged.updated_at, TIMESTAMP '1970-01-01') = latest.version
      AND staged.ingested_at = latest.ingested_at
  WHERE staged.kind = 'reject'
  UNION ALL
  SELECT
    sent.id,
    ANY_VALUE(sent.user_id) AS user_id,
    sent.updated_at,
    @refused AS reason,
    CAST(NULL AS STRING) AS raw,
    1 AS part,
    1 AS parts,
    CAST(NULL AS INT64) AS bytes,
    CAST(NULL AS STRING) AS sha256,
    ANY_VALUE(sent.run_id) AS run_id,
    MAX(sent.ingested_at) AS ingested_at
  FROM `${staging}` AS sent
  LEFT JOIN loaded
    ON sent.id = loaded.id AND COALESCE(sent.updated_at, TIMESTAMP '1970-01-01') = loaded.version
  WHERE sent.kind = 'sent' AND loaded.id IS NULL
  GROUP BY sent.id, sent.updated_at
) AS refused
  ON
    held.id = refused.id
    AND held.part = refused.part
    AND COALESCE(held.updated_at, TIMESTAMP '1970-01-01') = COALESCE(refused.updated_at, TIMESTAMP '1970-01-01')
WHEN NOT MATCHED THEN
  INSERT (id, user_id, updated_at, reason, raw, part, parts, bytes, sha256, run_id, ingested_at)
  VALUES (
    refused.id, refused.user_id, refused.updated_at, refused.reason, refused.raw, refused.part, refused.parts,
    refused.bytes, refused.sha256, refused.run_id, refused.ingested_at
  );

-- A rating is known by conversation, time and user; what Looker says of it last, counts.
MERGE `${dataset}.feedback` AS held
USING (
  SELECT * EXCEPT (latest)
  FROM (
    SELECT
      *,
      ROW_NUMBER() OVER (
        PARTITION BY conversation_id, rated_at, COALESCE(user_id, '') ORDER BY ingested_at DESC, rating ASC
      ) AS latest
    FROM `${staging}`
    WHERE kind = 'feedback'
  )
  WHERE latest = 1
) AS given
  ON
    held.conversation_id = given.conversation_id
    AND held.rated_at = given.rated_at
    AND COALESCE(held.user_id, '') = COALESCE(given.user_id, '')
WHEN MATCHED AND (
  held.rating != given.rating OR COALESCE(held.comment, '') != COALESCE(given.comment, '')
) THEN
  UPDATE
    SET
      rating = given.rating,
      positive = given.positive,
      comment = given.comment,
      run_id = given.run_id,
      ingested_at = given.ingested_at
WHEN NOT MATCHED THEN
  INSERT (conversation_id, rated_at, user_id, rating, positive, comment, run_id, ingested_at)
  VALUES (
    given.conversation_id, given.rated_at, given.user_id, given.rating, given.positive, given.comment, given.run_id,
    given.ingested_at
  );

-- A finished window that leaves no gap moves the watermark forward, and pays what was owed inside it.
-- An unfinished one that reaches back before the watermark is owed.
MERGE `${dataset}.sync_users` AS held
USING (
  SELECT
    user_id,
    TIMESTAMP(JSON_VALUE(move, '$.since')) AS since,
    TIMESTAMP(JSON_VALUE(move, '$.until')) AS until,
    JSON_VALUE(move, '$.finished') = 'true' AS finished,
    JSON_VALUE(move, '$.anchored') = 'true' AS anchored,
    JSON_VALUE(move, '$.skipped') AS skipped,
    JSON_VALUE(move, '$.failed') = 'true' AS failed
  FROM (
    SELECT TO_JSON_STRING(payload) AS move
    FROM `${staging}`
    WHERE kind = 'window'
    UNION ALL
    SELECT move
    FROM UNNEST(JSON_QUERY_ARRAY(@moves)) AS move
  ), UNNEST(JSON_VALUE_ARRAY(move, '$.user_ids')) AS user_id
) AS move
  ON held.user_id = move.user_id
WHEN MATCHED THEN
  UPDATE
    SET
      watermark = CASE
        WHEN move.finished AND held.watermark IS NULL AND move.anchored THEN move.until
        WHEN move.finished AND move.since <= held.watermark THEN GREATEST(held.watermark, move.until)
        ELSE held.watermark
      END,
      owed_since = CASE
        WHEN move.skipped = 'deleted' THEN NULL
        WHEN
          move.finished AND move.since <= held.owed_since AND move.until >= COALESCE(held.watermark, move.until)
          THEN NULL
        WHEN NOT move.finished AND move.since < COALESCE(held.watermark, move.until)
          THEN LEAST(move.since, COALESCE(held.owed_since, move.since))
        ELSE held.owed_since
      END,
      skipped_reason = IF(move.finished OR move.failed, NULL, COALESCE(move.skipped, held.skipped_reason)),
      skipped_at = CASE
        WHEN move.finished OR move.failed THEN NULL
        WHEN move.skipped IS NOT NULL THEN CURRENT_TIMESTAMP()
        ELSE held.skipped_at
      END,
      failed_runs = CASE
        WHEN move.finished THEN NULL
        WHEN move.failed AND held.run_id != @run_id THEN COALESCE(held.failed_runs, 0) + 1
        ELSE held.failed_runs
      END,
      run_id = @run_id,
      recorded_at = CURRENT_TIMESTAMP()
WHEN NOT MATCHED THEN
  INSERT (user_id, watermark, owed_since, skipped_reason, skipped_at, failed_runs, run_id, recorded_at)
  VALUES (
    move.user_id,
    IF(move.finished AND move.anchored, move.until, NULL),
    IF(move.finished OR move.skipped = 'deleted', NULL, move.since),
    move.skipped,
    IF(move.skipped IS NULL, NULL, CURRENT_TIMESTAMP()),
    IF(move.failed, 1, NULL),
    @run_id,
    CURRENT_TIMESTAMP()
  );

${record_run}

COMMIT TRANSACTION;
