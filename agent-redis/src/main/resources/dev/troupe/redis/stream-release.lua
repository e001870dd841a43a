-- Gives a shard up. KEYS: the stream, the lease. ARGV: the group, the grant, how many ids are done,
-- these ids, then ids that were read and handed to nobody, each with how often it was read before.

local stream, lease = KEYS[1], KEYS[2]
local call = redis.call
if call('HGET', lease, 'grant') ~= ARGV[2] then
  return 0
end
local done = tonumber(ARGV[3])
if done > 0 then
  call('XACK', stream, ARGV[1], unpack(ARGV, 4, 3 + done))
end
for i = 4 + done, #ARGV, 2 do
  call('XCLAIM', stream, ARGV[1], 'shard', 0, ARGV[i], 'RETRYCOUNT', ARGV[i + 1], 'JUSTID')
end
call('HDEL', lease, 'owner', 'grant', 'until')
return 1
