-- Takes these records if they are queued and their lane lets them. Waits for who has them locked: a
-- wake-up that passes over its record would be lost. The records are given in the order of keys, which
-- is the order of locking; "number" is where they stood in the claim.
WITH clock AS MATERIALIZED (
  SELECT {now} AS now
), locked AS MATERIALIZED (
  SELECT r.id, octet_length(r.value) AS bytes, n.number AS place, false AS late, 0 AS rank
  FROM clock
    CROSS JOIN unnest((SELECT ?::integer[]), (SELECT ?::bytea[]), (SELECT ?::integer[]))
      AS n (partition, key, number)
    CROSS JOIN LATERAL (
      SELECT r.id, r.value FROM {schema}.record r
      WHERE r.partition = n.partition AND r.key = n.key
        AND r.ready AND (r.expires IS NULL OR r.expires > clock.now)
      FOR NO KEY UPDATE
    ) r
  LIMIT ?
), {take}
SELECT clock.now, 0,
  coalesce((SELECT e.expires FROM {schema}.record e
    WHERE e.expires IS NOT NULL AND e.lane IS NOT NULL ORDER BY e.expires LIMIT 1) <= clock.now,
    false),
  t.id
FROM clock LEFT JOIN taken t ON true
