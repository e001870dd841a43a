-- What a list of changes comes to, as statements that are sent together with the COMMIT; those that
-- have nothing to do are left out. All records are locked already.

-- section plan
-- Plans are made once, not anew for each length of a list; and one that was made while a table was
-- small may be used for as long as a session lives.
SET LOCAL plan_cache_mode = force_generic_plan;
SET LOCAL enable_seqscan = off

-- section absent
-- What was absent when the records were locked must still be: it fails with a division by zero.
SELECT 1 / CASE WHEN EXISTS (
  SELECT FROM unnest(?::integer[], ?::bytea[]) AS k (partition, key)
    JOIN {schema}.record r ON r.partition = k.partition AND r.key = k.key
) THEN 0 ELSE 1 END

-- section no-rows
-- The same for rows that were taken to be absent without a look.
SELECT 1 / CASE WHEN EXISTS (
  SELECT FROM unnest(?::bigint[], ?::bytea[]) AS k (record, name)
    JOIN {schema}.record_row r ON r.record = k.record AND r.name = k.name
) THEN 0 ELSE 1 END

-- section lanes
-- Whoever enters or leaves a lane has it for himself until the end.
SELECT pg_advisory_xact_lock(?, s.slot) FROM unnest(?::integer[]) AS s (slot)

-- section drop
DELETE FROM {schema}.record WHERE id = ANY (?::bigint[])

-- section drop-rows
DELETE FROM {schema}.record_row WHERE record = ANY (?::bigint[])

-- section drop-mail
DELETE FROM {schema}.record_mail WHERE record = ANY (?::bigint[])

-- section drop-tags
DELETE FROM {schema}.record_tag WHERE record = ANY (?::bigint[])

-- section update
-- The records that were there. Who enters a lane is ready if nobody stands there
-- apart from those (ids) that enter lanes now.
UPDATE {schema}.record r
SET version = u.version, mail = u.mail, last_change = u.last_change,
  expires = nullif(u.expires, 9223372036854775807), place = u.place,
  ready = CASE WHEN u.enters = 0 THEN u.ready ELSE u.enters = 1 AND u.place = 1 AND NOT EXISTS (
    SELECT FROM {schema}.record o WHERE o.partition = u.partition AND o.lane = u.lane
      AND o.id <> ALL (e.ids)) END,
  queue = u.queue, priority = CASE WHEN u.place = 1 THEN u.priority END,
  due = CASE WHEN u.place = 1 THEN u.due END, wake = CASE WHEN u.place = 1 THEN u.wake END,
  lane = u.lane,
  turn = CASE WHEN u.lane IS NULL THEN NULL WHEN u.enters = 0 THEN u.turn
    ELSE u.enters + coalesce((SELECT max(o.turn) FROM {schema}.record o
      WHERE o.partition = u.partition AND o.lane = u.lane
      AND o.id <> ALL (e.ids)), 0) END,
  holder = u.holder, grant_number = CASE WHEN u.place = 2 THEN u.grant_number END,
  tags = coalesce(u.tags, r.tags), counters = coalesce(u.counters, r.counters),
  value = coalesce(u.value, r.value)
FROM unnest({heads}) AS u ({names}) CROSS JOIN (SELECT ?::bigint[] AS ids) e
WHERE r.id = u.id

-- section insert
-- New records, likewise.
INSERT INTO {schema}.record (id, partition, key, version, mail, last_change, created, expires,
  place, ready, queue, priority, due, wake, lane, turn, tags, counters, value)
SELECT u.id, u.partition, u.key, u.version, u.mail, u.last_change, u.created,
  nullif(u.expires, 9223372036854775807), u.place,
  CASE WHEN u.enters = 0 THEN u.ready ELSE u.enters = 1 AND u.place = 1 AND NOT EXISTS (
    SELECT FROM {schema}.record o WHERE o.partition = u.partition AND o.lane = u.lane
      AND o.id <> ALL (e.ids)) END,
  u.queue, CASE WHEN u.place = 1 THEN u.priority END, CASE WHEN u.place = 1 THEN u.due END,
  CASE WHEN u.place = 1 THEN u.wake END, u.lane,
  CASE WHEN u.lane IS NOT NULL THEN u.enters + coalesce((SELECT max(o.turn) FROM {schema}.record o
    WHERE o.partition = u.partition AND o.lane = u.lane
      AND o.id <> ALL (e.ids)), 0) END,
  u.tags, u.counters, u.value
FROM unnest({heads}) AS u ({names}) CROSS JOIN (SELECT ?::bigint[] AS ids) e

-- section ready
-- The first of each lane that somebody left.
UPDATE {schema}.record r SET ready = true
FROM unnest(?::integer[], ?::bytea[]) AS k (partition, lane) CROSS JOIN LATERAL (
  SELECT o.id FROM {schema}.record o
  WHERE o.partition = k.partition AND o.lane = k.lane ORDER BY o.turn LIMIT 1
) f
WHERE r.id = f.id AND r.place = 1 AND NOT r.ready

-- section rows
INSERT INTO {schema}.record_row (record, name, value)
SELECT * FROM unnest(?::bigint[], ?::bytea[], ?::bytea[])
ON CONFLICT (record, name) DO UPDATE SET value = excluded.value

-- section cut-rows
DELETE FROM {schema}.record_row r USING unnest(?::bigint[], ?::bytea[]) AS d (record, name)
WHERE r.record = d.record AND r.name = d.name

-- section mail
INSERT INTO {schema}.record_mail (record, number, name, value)
SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::bytea[], ?::bytea[])

-- section cut-tags
DELETE FROM {schema}.record_tag WHERE record = ANY (?::bigint[])

-- section tags
INSERT INTO {schema}.record_tag (tag, created, record)
SELECT * FROM unnest(?::bytea[], ?::bigint[], ?::bigint[])
