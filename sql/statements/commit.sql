-- Everything a run writes, in one transaction. Running it twice changes nothing the second time.
-- ${staging} holds rows of kind 'conversation', 'reject' and 'feedback'; @moves is
-- [{"since": ..., "until": ..., "finished": bool, "anchored": bool, "user_ids": [...]}].

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
  SELECT * EXCEPT (newest)
  FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY updated_at DESC, ingested_at DESC) AS newest
    FROM `${staging}`
    WHERE kind = 'conversation'
  )
  WHERE newest = 1
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

-- The same version of a conversation is refused once, however often it is met.
MERGE `${dataset}.rejects` AS held
USING (
  SELECT * EXCEPT (latest)
  FROM (
    -- By fetch, not by part: the pieces of one body stay together.
    SELECT *, RANK() OVER (PARTITION BY id, updated_at ORDER BY ingested_at DESC) AS latest
    FROM `${staging}`
    WHERE kind = 'reject'
  )
  WHERE latest = 1
) AS refused
  ON
    held.id = refused.id
    AND held.part = refused.part
    AND COALESCE(held.updated_at, TIMESTAMP '1970-01-01') = COALESCE(refused.updated_at, TIMESTAMP '1970-01-01')
WHEN NOT MATCHED THEN
  INSERT (id, user_id, updated_at, reason, raw, part, parts, run_id, ingested_at)
  VALUES (
    refused.id, refused.user_id, refused.updated_at, refused.reason, refused.raw, refused.part, refused.parts,
    refused.run_id, refused.ingested_at
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
    JSON_VALUE(move, '$.anchored') = 'true' AS anchored
  FROM UNNEST(JSON_QUERY_ARRAY(@moves)) AS move, UNNEST(JSON_VALUE_ARRAY(move, '$.user_ids')) AS user_id
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
        WHEN
          move.finished AND move.since <= held.owed_since AND move.until >= COALESCE(held.watermark, move.until)
          THEN NULL
        WHEN NOT move.finished AND move.since < COALESCE(held.watermark, move.until)
          THEN LEAST(move.since, COALESCE(held.owed_since, move.since))
        ELSE held.owed_since
      END,
      run_id = @run_id,
      recorded_at = CURRENT_TIMESTAMP()
WHEN NOT MATCHED THEN
  INSERT (user_id, watermark, owed_since, run_id, recorded_at)
  VALUES (
    move.user_id,
    IF(move.finished AND move.anchored, move.until, NULL),
    IF(move.finished, NULL, move.since),
    @run_id,
    CURRENT_TIMESTAMP()
  );

${record_run}

COMMIT TRANSACTION;
