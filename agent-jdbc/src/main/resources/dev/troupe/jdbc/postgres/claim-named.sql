-- Takes these records if they are queued and their lane lets them. Waits for who has them locked: a
-- wake-up that passes over its record would be lost.
WITH clock AS MATERIALIZED (
  SELECT {now} AS now
), locked AS MATERIALIZED (
  SELECT r.id, octet_length(r.value) AS bytes, n.number AS place, false AS late, 0 AS rank
  FROM clock
    CROSS JOIN unnest(?::integer[], ?::bytea[]) WITH ORDINALITY AS n (partition, key, number)
    JOIN {schema}.record r ON r.partition = n.partition AND r.key = n.key
  WHERE r.ready AND (r.expires IS NULL OR r.expires > clock.now)
  ORDER BY r.partition, r.key
  LIMIT ?
  FOR NO KEY UPDATE OF r
), {take}
SELECT clock.now, 0,
  coalesce((SELECT e.expires FROM {schema}.record e
    WHERE e.expires IS NOT NULL AND e.lane IS NOT NULL ORDER BY e.expires LIMIT 1) <= clock.now,
    false),
  t.id
FROM clock LEFT JOIN taken t ON true
