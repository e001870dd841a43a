-- Notes that a member of a group is there, or leaves. KEYS: the members. ARGV: the member, for how
-- many milliseconds, 0 when it leaves. Returns the time and all members.

local members = KEYS[1]
local at = redis.call('TIME')
local now = at[1] * 1000 + math.floor(at[2] / 1000)
-- first what frees memory: after that a full server lets it write
redis.call('ZREMRANGEBYSCORE', members, '-inf', string.format('%.0f', now))
if tonumber(ARGV[2]) > 0 then
  redis.call('ZADD', members, string.format('%.0f', now + ARGV[2]), ARGV[1])
else
  redis.call('ZREM', members, ARGV[1])
end
return {now, unpack(redis.call('ZRANGE', members, 0, -1))}
