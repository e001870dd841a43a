-- What the owner of several shards reads as soon as there is something new. KEYS: for each shard the
-- stream and the lease. ARGV: the group, how many entries of each to read, the grant of each shard.
-- Returns the number and the entries of each shard that has some, and the number alone of each that
-- belongs to another.

local call = redis.call
local answer, mine, streams = {}, {}, {}
for i = 1, #KEYS, 2 do
  local shard = (i + 1) / 2
  local lease = KEYS[i + 1]
  if call('HGET', lease, 'grant') == ARGV[2 + shard] then
    mine[#mine + 1] = shard
    streams[#streams + 1] = KEYS[i]
  else
    answer[#answer + 1] = {shard, {}}
  end
end
for i = 1, #mine do
  streams[#streams + 1] = '>'
end
local found = #mine > 0
  and call('XREADGROUP', 'GROUP', ARGV[1], 'shard', 'COUNT', ARGV[2], 'STREAMS', unpack(streams))
local at = 0
for _, one in ipairs(found or {}) do
  repeat
    at = at + 1 -- the answer has them in the order of the question
  until KEYS[2 * mine[at] - 1] == one[1]
  answer[#answer + 1] = {mine[at], one[2]}
end
return answer
