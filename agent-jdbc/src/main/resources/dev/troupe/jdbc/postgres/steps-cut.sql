-- The part of steps.sql that removes rows, left out where there are none.
), cut AS (
  DELETE FROM {schema}.record_row c
  USING guarded g
    CROSS JOIN LATERAL (
      SELECT x.ctid AS at FROM {schema}.record_row x
      WHERE x.record = g.id AND x.name = g.name OFFSET 0
    ) f
  WHERE g.value IS NULL AND c.ctid = f.at
