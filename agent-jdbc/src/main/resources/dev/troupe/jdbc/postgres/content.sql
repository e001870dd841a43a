-- Records with all that belongs to them, as of one moment: 0 a record, 1 a row, 2 mail. The time is asked
-- for by itself, so that the order of an index stays the order of the answer.
WITH clock AS MATERIALIZED (
  SELECT {now} AS now
), picked AS MATERIALIZED (
  SELECT {columns}, r.value
  FROM {from}
  WHERE {which}
)
SELECT 0, clock.now, p.id, NULL::bigint, NULL::bytea, p.value, {picked}
FROM clock CROSS JOIN picked p
UNION ALL
SELECT 1, NULL, x.record, NULL, x.name, x.value, {nothing}
FROM picked p CROSS JOIN LATERAL (
  SELECT y.record, y.name, y.value FROM {schema}.record_row y
  WHERE y.record = p.id {rows} OFFSET 0
) x
UNION ALL
SELECT 2, NULL, x.record, x.number, x.name, x.value, {nothing}
FROM picked p CROSS JOIN LATERAL (
  SELECT y.record, y.number, y.name, y.value FROM {schema}.record_mail y
  WHERE y.record = p.id {mail} OFFSET 0
) x
