-- Steps of several runs, or of several rows, in one statement: a guard for each change, locked in the
-- order of keys, and then the rows of those changes whose guard held.
WITH clock AS MATERIALIZED (
  SELECT {now} AS now
), guarded AS MATERIALIZED (
  SELECT g.number, r.id, r.version, r.mail
  FROM unnest(?::integer[], ?::integer[], ?::bytea[], ?::bytea[], ?::bigint[], ?::bigint[])
      AS g (number, partition, key, holder, grant_number, mail)
    CROSS JOIN clock
    JOIN {schema}.record r ON r.partition = g.partition AND r.key = g.key
  WHERE r.place = 2 AND r.holder = g.holder AND r.grant_number = g.grant_number
    AND r.mail <= g.mail AND (r.expires IS NULL OR r.expires > clock.now)
  ORDER BY r.partition, r.key
  FOR NO KEY UPDATE OF r
), put AS (
  INSERT INTO {schema}.record_row (record, name, value)
  SELECT g.id, w.name, w.value
  FROM guarded g
    JOIN unnest(?::integer[], ?::bytea[], ?::bytea[]) AS w (number, name, value)
      ON w.number = g.number
  WHERE w.value IS NOT NULL
  ON CONFLICT (record, name) DO UPDATE SET value = excluded.value
), cut AS (
  DELETE FROM {schema}.record_row x
  USING guarded g, unnest(?::integer[], ?::bytea[]) AS d (number, name)
  WHERE d.number = g.number AND x.record = g.id AND x.name = d.name
)
SELECT clock.now, g.number, g.version, g.mail FROM clock, guarded g
