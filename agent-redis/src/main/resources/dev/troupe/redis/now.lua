-- The partition's time, beside plain commands. Short, because it is sent as it is.
local at = redis.call('TIME')
local now = at[1] * 1000 + math.floor(at[2] / 1000) + ARGV[1]
return math.max(now, tonumber(redis.call('HGET', KEYS[1], 'now') or 0))
