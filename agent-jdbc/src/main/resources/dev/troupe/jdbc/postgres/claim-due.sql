-- Takes what is due: looks at the nearest of each queue and priority without locking, brings them
-- into one order, and locks as many as are wanted, passing over what others have locked. At some
-- places of the order ("turns") stands what is due longest, whatever its priority.
-- The 0 keeps the index of keys out of it.
WITH clock AS MATERIALIZED (
  SELECT {now} AS now
), near AS MATERIALIZED (
  SELECT c.id, c.priority, c.due
  FROM clock
    CROSS JOIN unnest((SELECT ?::bytea[])) AS q (queue)
    CROSS JOIN (VALUES (2), (1), (0)) AS p (priority)
    CROSS JOIN LATERAL (
      SELECT r.id, r.priority, r.due
      FROM {schema}.record r
      WHERE r.ready AND r.queue = q.queue AND r.priority = p.priority AND r.due <= clock.now
        AND ({everywhere} OR r.partition + 0 = ANY (?::integer[]))
      ORDER BY r.due, r.id
      LIMIT ?
    ) c
), ranked AS (
  SELECT id,
    row_number() OVER (ORDER BY priority DESC, due, id) AS rank,
    row_number() OVER (ORDER BY due, id) AS age
  FROM near
), lined AS (
  SELECT id, least(rank, turn.place) AS place, turn.place IS NULL AS late, rank
  FROM ranked
    LEFT JOIN unnest((SELECT ?::integer[])) WITH ORDINALITY AS turn (place, age) USING (age)
), locked AS MATERIALIZED (
  SELECT r.id, octet_length(r.value) AS bytes, l.place, l.late, l.rank
  FROM clock
    CROSS JOIN (SELECT * FROM lined ORDER BY place, late, rank) l
    CROSS JOIN LATERAL (
      SELECT r.id, r.value FROM {schema}.record r
      WHERE r.id = l.id AND r.ready AND r.due <= clock.now AND r.queue = ANY (?::bytea[])
        AND (r.expires IS NULL OR r.expires > clock.now)
      FOR NO KEY UPDATE SKIP LOCKED
    ) r
  LIMIT ?
), {take}
SELECT clock.now, (SELECT count(*) FROM near),
  -- asked for the first in the index, because a guess at how many there are leads astray
  coalesce((SELECT e.expires FROM {schema}.record e
    WHERE e.expires IS NOT NULL ORDER BY e.expires LIMIT 1) <= clock.now, false),
  t.id
FROM clock LEFT JOIN taken t ON true
