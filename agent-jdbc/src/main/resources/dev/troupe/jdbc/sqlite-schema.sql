-- Schema 1 of a Troupe store in SQLite. Run once, in one transaction, when the file is created.
-- Names (keys, rows, queues, lanes, holders, tags) are blobs: each UTF-16 code unit in the one to
-- three bytes that UTF-8 has for it (CESU-8), so that the order of bytes is the order of Java's
-- strings and nothing is lost; cast(key as text) shows them. Times are milliseconds since 1970.

CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE record (
  id INTEGER PRIMARY KEY,          -- grows with time; what belongs to a record refers to it
  partition INTEGER NOT NULL,
  key BLOB NOT NULL,
  version INTEGER NOT NULL,
  mail INTEGER NOT NULL,           -- the number of the last mail
  last_change BLOB NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER,                 -- NULL: never
  place INTEGER NOT NULL,          -- 0 none, 1 queued, 2 held
  ready INTEGER NOT NULL,          -- 1: queued and in no lane or first in its lane
  queue BLOB,
  priority INTEGER,
  due INTEGER,
  wake INTEGER,                    -- the mail number at which it becomes due
  lane BLOB,
  turn INTEGER,                    -- the order of those in one lane
  holder BLOB,
  grant_number INTEGER,
  value BLOB NOT NULL              -- last, so that reading the others needs no overflow page
) STRICT;

CREATE UNIQUE INDEX record_key ON record (partition, key);
-- covers an idle poll: three look-ups for each queue, no table access
CREATE INDEX record_ready ON record (queue, priority, due, id, partition) WHERE ready = 1;
CREATE INDEX record_held ON record (holder, grant_number, partition) WHERE place = 2;
CREATE INDEX record_lane ON record (partition, lane, turn) WHERE lane IS NOT NULL;
CREATE INDEX record_created ON record (created);
CREATE INDEX record_expires ON record (expires) WHERE expires IS NOT NULL;
CREATE INDEX record_lane_expires ON record (expires)
  WHERE expires IS NOT NULL AND lane IS NOT NULL;

CREATE TABLE record_row (
  record INTEGER NOT NULL,
  name BLOB NOT NULL,
  value BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX record_row_name ON record_row (record, name);

CREATE TABLE record_mail (
  record INTEGER NOT NULL,
  number INTEGER NOT NULL,
  name BLOB NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (record, number)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX record_mail_name ON record_mail (record, name);

CREATE TABLE record_counter (
  record INTEGER NOT NULL,
  name BLOB NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (record, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE record_tag (
  name BLOB NOT NULL,
  value BLOB NOT NULL,
  created INTEGER NOT NULL,        -- of the record, so that the newest are found in order
  record INTEGER NOT NULL,
  PRIMARY KEY (name, value, created, record)
) STRICT, WITHOUT ROWID;

CREATE INDEX record_tag_record ON record_tag (record);
