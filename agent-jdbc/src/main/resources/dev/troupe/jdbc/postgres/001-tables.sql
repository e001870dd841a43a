-- Format 1 of a Troupe store in PostgreSQL 12 or newer. {schema} is the name of its schema, quoted.
-- Names (keys, rows, queues, lanes, holders, tags) are bytea: each UTF-16 code unit in the one to
-- three bytes that UTF-8 has for it (CESU-8), so that the order of bytes is the order of Java's
-- strings whatever the database's encoding; convert_from(key, 'UTF8') shows nearly all of them.
-- Times are milliseconds since 1970.

CREATE TABLE {schema}.meta (
  name text PRIMARY KEY,           -- format, partitions, time
  value bigint NOT NULL
);

-- ids are handed out to processes by the block, so that a new record needs no round trip for its own
CREATE SEQUENCE {schema}.record_id INCREMENT BY 256 MINVALUE 1;

CREATE TABLE {schema}.record (
  id bigint PRIMARY KEY,           -- what belongs to a record refers to it
  partition integer NOT NULL,
  key bytea NOT NULL,
  version bigint NOT NULL,
  mail bigint NOT NULL,            -- the number of the last mail
  last_change bytea NOT NULL,
  created bigint NOT NULL,
  expires bigint,                  -- NULL: never
  place smallint NOT NULL,         -- 0 none, 1 queued, 2 held
  ready boolean NOT NULL,          -- queued, and in no lane or first in its lane
  queue bytea,
  priority smallint,
  due bigint,
  wake bigint,                     -- the mail number at which it becomes due
  lane bytea,
  turn bigint,                     -- the order of those in one lane
  holder bytea,
  grant_number bigint,
  tags bytea NOT NULL,             -- name NUL value NUL, for each tag
  counters bytea NOT NULL,         -- name NUL number in decimal NUL, for each counter
  value bytea NOT NULL
) WITH (
  -- room for a second version of a row in its page
  fillfactor = 85,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_analyze_scale_factor = 0.05
);

CREATE UNIQUE INDEX record_key ON {schema}.record (partition, key);
-- an idle poll reads nothing else: three look-ups for each queue
CREATE INDEX record_ready ON {schema}.record (queue, priority, due, id, partition) WHERE ready;
CREATE INDEX record_held ON {schema}.record (holder, grant_number) WHERE place = 2;
CREATE INDEX record_lane ON {schema}.record (partition, lane, turn) WHERE lane IS NOT NULL;
CREATE INDEX record_created ON {schema}.record (created, id);
CREATE INDEX record_expires ON {schema}.record (expires) WHERE expires IS NOT NULL;
CREATE INDEX record_lane_expires ON {schema}.record (expires)
  WHERE expires IS NOT NULL AND lane IS NOT NULL;

-- No foreign keys: whoever writes here holds the lock of the record, and a key would lock it again.
CREATE TABLE {schema}.record_row (
  record bigint NOT NULL,
  name bytea NOT NULL,
  value bytea NOT NULL,
  PRIMARY KEY (record, name)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE {schema}.record_mail (
  record bigint NOT NULL,
  number bigint NOT NULL,
  name bytea NOT NULL,
  value bytea NOT NULL,
  PRIMARY KEY (record, number)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE UNIQUE INDEX record_mail_name ON {schema}.record_mail (record, name);

CREATE TABLE {schema}.record_tag (
  tag bytea NOT NULL,              -- the first 16 bytes of SHA-256 of: name NUL value
  created bigint NOT NULL,         -- of the record, so that the newest are found in order
  record bigint NOT NULL,
  PRIMARY KEY (tag, created, record)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX record_tag_record ON {schema}.record_tag (record);

-- Lines that belong to nothing, are shown to nobody and stay for good: some twenty pages of each
-- table. A server that saw a table of one page reads it whole, and keeps to that plan while the table
-- grows; with these it uses the indexes from the first day.
INSERT INTO {schema}.record (id, partition, key, version, mail, last_change, created, place, ready,
    tags, counters, value)
  SELECT n - 9000000000000000000, -1, convert_to('filler-' || n, 'UTF8'), 1, 0, '',
    9223372036854775807, 0, false, '', '', convert_to(repeat(' ', 1800), 'UTF8')
  FROM generate_series(1, 80) n;
INSERT INTO {schema}.record_row (record, name, value)
  SELECT n - 9000000000000000000, '', convert_to(repeat(' ', 1800), 'UTF8')
  FROM generate_series(1, 80) n;
INSERT INTO {schema}.record_mail (record, number, name, value)
  SELECT n - 9000000000000000000, 0, '', convert_to(repeat(' ', 1800), 'UTF8')
  FROM generate_series(1, 80) n;
INSERT INTO {schema}.record_tag (tag, created, record)
  SELECT '', 9223372036854775807, n - 9000000000000000000 FROM generate_series(1, 2500) n;

INSERT INTO {schema}.meta (name, value)
  VALUES ('format', 1), ('partitions', {partitions}), ('time', 0);
