-- Keeps the highest time that was shown, for processes that come later; shows what was kept so far.
-- Passes over the line while another process has it.
WITH free AS (
  SELECT m.name FROM {schema}.meta m
  WHERE m.name = 'time' AND m.value < ?
  FOR UPDATE SKIP LOCKED
), kept AS (
  UPDATE {schema}.meta m SET value = ? FROM free WHERE m.name = free.name
)
SELECT value FROM {schema}.meta WHERE name = 'time'
