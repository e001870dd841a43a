-- What of these rows and mail is there, of records that are locked: rows as 0, mail as 1.
SELECT 0, x.record, x.name
FROM unnest((SELECT ?::bigint[]), (SELECT ?::bytea[])) AS w (record, name)
  JOIN {schema}.record_row x ON x.record = w.record AND x.name = w.name
UNION ALL
SELECT 1, x.record, x.name
FROM unnest((SELECT ?::bigint[]), (SELECT ?::bytea[])) AS w (record, name)
  JOIN {schema}.record_mail x ON x.record = w.record AND x.name = w.name
