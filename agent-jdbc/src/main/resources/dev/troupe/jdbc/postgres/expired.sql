-- A portion of what has expired, locked to be removed; first what blocks a lane.
WITH clock AS MATERIALIZED (
  SELECT {now} AS now
), first AS MATERIALIZED (
  (SELECT e.id, 0 AS rank FROM {schema}.record e
    WHERE e.expires <= (SELECT now FROM clock) AND e.lane IS NOT NULL ORDER BY e.expires LIMIT ?)
  UNION ALL
  (SELECT e.id, 1 FROM {schema}.record e
    WHERE e.expires <= (SELECT now FROM clock) AND e.lane IS NULL ORDER BY e.expires LIMIT ?)
)
SELECT r.id, r.partition, r.lane
FROM clock CROSS JOIN first f JOIN {schema}.record r ON r.id = f.id
WHERE r.expires <= clock.now
ORDER BY f.rank, r.partition, r.key
LIMIT ?
FOR UPDATE OF r SKIP LOCKED
