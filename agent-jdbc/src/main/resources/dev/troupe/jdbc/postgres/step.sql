-- One step: a row of a record under its grant, in one statement. The lock of the record is what keeps
-- the fence: a claim that is under way is waited for, and the record is judged as it then is.
WITH guarded AS MATERIALIZED (
  SELECT r.id, r.version, r.mail, r.expires, {now} AS now
  FROM {schema}.record r
  WHERE r.partition = ? AND r.key = ? AND r.place = 2 AND r.holder = ? AND r.grant_number = ?
    AND r.mail <= ?
  FOR NO KEY UPDATE OF r
), put AS (
  INSERT INTO {schema}.record_row (record, name, value)
  SELECT g.id, ?, ? FROM guarded g WHERE g.expires IS NULL OR g.expires > g.now
  ON CONFLICT (record, name) DO UPDATE SET value = excluded.value
)
SELECT g.now, 1, g.version, g.mail FROM guarded g WHERE g.expires IS NULL OR g.expires > g.now
