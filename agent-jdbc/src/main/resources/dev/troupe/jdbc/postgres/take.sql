-- The end of a claim: of what is locked, as much as the bytes allow, now held under the grant.
measured AS (
  SELECT l.id, l.place, l.late, l.rank, l.bytes
      + coalesce((SELECT sum(octet_length(x.value))
        FROM {schema}.record_row x WHERE x.record = l.id), 0)
      + coalesce((SELECT sum(octet_length(x.value))
        FROM {schema}.record_mail x WHERE x.record = l.id), 0) AS bytes
  FROM locked l
), chosen AS (
  SELECT id, row_number() OVER line AS line,
    coalesce(sum(bytes) OVER (line ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
  FROM measured
  WINDOW line AS (ORDER BY place, late, rank)
), held AS (
  UPDATE {schema}.record r
  SET place = 2, ready = false, version = r.version + 1, holder = ?, grant_number = ?,
    queue = NULL, priority = NULL, due = NULL, wake = NULL
  FROM chosen c
  WHERE r.id = c.id AND (c.line = 1 OR c.before <= ?)
  RETURNING r.id, c.line
), taken AS (
  SELECT id, line FROM held ORDER BY line
)
