-- Steps of several runs, or of several rows, in one statement: a guard for each row, locked in the
-- order in which they are given, which is that of keys, and the rows whose guard held; a row without
-- a value is removed. LATERAL keeps the server from joining whole tables. (SELECT ?) keeps the
-- length of the lists from its planner, which otherwise makes a plan for each flush and takes longer
-- for that than for the work.
WITH clock AS MATERIALIZED (
  SELECT {now} AS now
), guarded AS MATERIALIZED (
  SELECT g.number, r.id, r.version, r.mail, g.name, g.value
  FROM unnest((SELECT ?::integer[]), (SELECT ?::integer[]), (SELECT ?::bytea[]),
        (SELECT ?::bytea[]), (SELECT ?::bigint[]), (SELECT ?::bigint[]), (SELECT ?::bytea[]),
        (SELECT ?::bytea[]))
      AS g (number, partition, key, holder, grant_number, mail, name, value)
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
  SELECT g.id, g.name, g.value FROM guarded g WHERE g.value IS NOT NULL
  ON CONFLICT (record, name) DO UPDATE SET value = excluded.value
{cut})
SELECT clock.now, g.number, g.version, g.mail FROM clock, guarded g
