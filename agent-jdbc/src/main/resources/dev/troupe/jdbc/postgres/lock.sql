-- Locks the records that a list of changes names, in the order given, which is that of keys, and shows
-- them as they are once locked. What is absent has no row to lock: those who may create it, or count on its absence,
-- take a numbered lock instead, all of them before the records. Small values come along.
WITH clock AS MATERIALIZED (
  SELECT {now} AS now
), slots AS MATERIALIZED (
  SELECT pg_advisory_xact_lock(?, s.slot) FROM unnest((SELECT ?::integer[])) AS s (slot)
), waited AS MATERIALIZED (
  SELECT count(*) AS n FROM slots
), locked AS MATERIALIZED (
  SELECT {columns}, CASE WHEN octet_length(r.value) <= 2000 THEN r.value END AS value
  FROM waited
    CROSS JOIN LATERAL unnest((SELECT ?::integer[]), (SELECT ?::bytea[])) AS k (partition, key)
    CROSS JOIN LATERAL (
      SELECT * FROM {schema}.record r
      WHERE waited.n >= 0 AND r.partition = k.partition AND r.key = k.key
      FOR NO KEY UPDATE
    ) r
)
SELECT clock.now, current_setting('transaction_isolation'), l.*
FROM clock LEFT JOIN locked l ON true
