-- Takes what a holder has. Waits for who has it locked: what its holder is writing must not be
-- missed, because nobody would look again.
WITH clock AS MATERIALIZED (
  SELECT {now} AS now
), locked AS MATERIALIZED (
  SELECT r.id, octet_length(r.value) AS bytes, r.grant_number AS place, false AS late, r.id AS rank
  FROM clock CROSS JOIN {schema}.record r
  WHERE r.place = 2 AND r.holder = ? AND r.grant_number <> ALL (?::bigint[])
    AND r.partition = ANY (?::integer[]) AND (r.expires IS NULL OR r.expires > clock.now)
  ORDER BY r.partition, r.key
  LIMIT ?
  FOR NO KEY UPDATE OF r
), {take}
SELECT clock.now, 0, false, t.id
FROM clock LEFT JOIN taken t ON true
