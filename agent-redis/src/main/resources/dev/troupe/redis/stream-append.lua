-- Appends events to a shard up to the first that fails, so that none overtakes another. KEYS: the
-- stream. ARGV: for each event the number of its words, then names and values in turn. Returns how
-- many were appended, and the error.

local stream = KEYS[1]
local at, done = 1, 0
while at <= #ARGV do
  local words = tonumber(ARGV[at])
  local answer = redis.pcall('XADD', stream, '*', unpack(ARGV, at + 1, at + words))
  if type(answer) == 'table' and answer.err then
    return {done, answer.err}
  end
  at = at + words + 1
  done = done + 1
end
return {done}
