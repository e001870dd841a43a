-- What the owner of a shard does in a round. KEYS: the stream, the lease. ARGV: the group, the
-- grant, by how many milliseconds to renew (0: not), how many entries to read (0: none), after
-- which of those that were read before ('>': new ones), ids that are done. Returns nothing when the
-- shard belongs to another, else 1, the entries, and how often those read before were read.

local stream, lease = KEYS[1], KEYS[2]
local call = redis.call
if call('HGET', lease, 'grant') ~= ARGV[2] then
  return {}
end
if ARGV[3] ~= '0' then
  local at = call('TIME')
  local now = at[1] * 1000 + math.floor(at[2] / 1000)
  call('HDEL', lease, 'until') -- after that a full server lets it write
  call('HSET', lease, 'until', string.format('%.0f', now + ARGV[3]))
end
if #ARGV > 5 then
  call('XACK', stream, ARGV[1], unpack(ARGV, 6))
end
if ARGV[4] == '0' then
  return {1, {}, {}}
end
local after = ARGV[5]
local counts = {}
if after ~= '>' then
  local pending = call('XPENDING', stream, ARGV[1], '(' .. after, '+', ARGV[4], 'shard')
  for i, one in ipairs(pending) do
    counts[i] = one[4] + 1
  end
end
local found =
  call('XREADGROUP', 'GROUP', ARGV[1], 'shard', 'COUNT', ARGV[4], 'STREAMS', stream, after)
local entries = found and found[1][2] or {}
for _, entry in ipairs(entries) do
  if not entry[2] then
    call('XACK', stream, ARGV[1], entry[1]) -- somebody deleted it
  end
end
return {1, entries, counts}
