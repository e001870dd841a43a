-- Steps of several runs, or of several rows, in one statement: a guard for each change, locked in the
-- order in which they are given, which is that of keys, and then the rows of those changes whose guard
-- held. LATERAL keeps the server from reading whole tables while it believes that they are small.
WITH clock AS MATERIALIZED (
  SELECT {now} AS now
), guarded AS MATERIALIZED (
  SELECT g.number, r.id, r.version, r.mail
  FROM unnest(?::integer[], ?::integer[], ?::bytea[], ?::bytea[], ?::bigint[], ?::bigint[])
      AS g (number, partition, key, holder, grant_number, mail)
    CROSS JOIN clock
    CROSS JOIN LATERAL (
      SELECT r.id, r.version, r.mail FROM {schema}.record r
      WHERE r.partition = g.partition AND r.key = g.key AND r.place = 2
        AND r.holder = g.holder AND r.grant_number = g.grant_number
        AND r.mail <= g.mail AND (r.expires IS NULL OR r.expires > clock.now)
      FOR NO KEY UPDATE
    ) r
), put AS (
  INSERT INTO {schema}.record_row (record, name, value)
  SELECT g.id, w.name, w.value
  FROM guarded g
    JOIN unnest(?::integer[], ?::bytea[], ?::bytea[]) AS w (number, name, value)
      ON w.number = g.number
  WHERE w.value IS NOT NULL
  ON CONFLICT (record, name) DO UPDATE SET value = excluded.value
{cut})
SELECT clock.now, g.number, g.version, g.mail FROM clock, guarded g
