-- The least that a shared limit takes: GCRA with one key. ARGV: what a permit costs and how much may
-- lie ahead, in microseconds.
local at = redis.call('TIME')
local now = at[1] * 1000000 + at[2]
local till = tonumber(redis.call('GET', KEYS[1]) or 0)
if till < now then
  till = now
end
till = till + ARGV[1]
local wait = till - now - ARGV[2]
if wait > 0 then
  return {0, wait}
end
redis.call('SET', KEYS[1], string.format('%.0f', till), 'PX', math.ceil((till - now) / 1000))
return {1, till}
