-- The part of steps.sql that removes rows, left out where there are none.
), cut AS (
  DELETE FROM {schema}.record_row c
  USING unnest(?::integer[], ?::bytea[]) AS d (number, name)
    JOIN guarded g ON g.number = d.number
    CROSS JOIN LATERAL (
      SELECT x.ctid AS at FROM {schema}.record_row x
      WHERE x.record = g.id AND x.name = d.name OFFSET 0
    ) f
  WHERE c.ctid = f.at
