-- A run that parks, in one statement: its last rows, and back into a queue under the lane it has.
-- Whoever holds a record of a lane is the first of that lane, so the record is ready again.
WITH clock AS MATERIALIZED (
  SELECT {now} AS now
), parked AS (
  UPDATE {schema}.record r
  SET place = 1, ready = true, version = r.version + 1, last_change = ?, queue = ?, priority = ?,
    due = greatest(clock.now, ?), wake = ?, holder = NULL, grant_number = NULL
  FROM clock
  WHERE r.partition = ? AND r.key = ? AND r.place = 2 AND r.holder = ? AND r.grant_number = ?
    AND r.mail <= ? AND r.lane IS NOT DISTINCT FROM ?::bytea AND r.last_change <> ?
    AND (r.expires IS NULL OR r.expires > clock.now)
  RETURNING r.id, r.version, r.mail
), put AS (
  INSERT INTO {schema}.record_row (record, name, value)
  SELECT p.id, w.name, w.value
  FROM parked p CROSS JOIN unnest((SELECT ?::bytea[]), (SELECT ?::bytea[])) AS w (name, value)
  WHERE w.value IS NOT NULL
  ON CONFLICT (record, name) DO UPDATE SET value = excluded.value
), cut AS (
  DELETE FROM {schema}.record_row x
  WHERE x.record = (SELECT id FROM parked) AND x.name = ANY (?::bytea[])
)
SELECT clock.now, 1, p.version, p.mail FROM clock, parked p
