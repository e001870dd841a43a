-- The short way for what is asked most: the same permits of one rate, so many times. KEYS[1] is the
-- hash of the group. ARGV: offset, field, how many times, what may lie ahead and what each costs, in
-- microseconds and nanoseconds. Answers how often it was granted, when all that was granted before
-- will have come back, and how long the next one would have to wait. What it keeps is what limits.lua
-- keeps.

local call = redis.call
local at = call('TIME')
local now = at[1] * 1000000 + at[2] + ARGV[1]
local found = call('HMGET', KEYS[1], 'n', 'x', ARGV[2])
local seen, kept, text = tonumber(found[1] or 0), tonumber(found[2] or 0), found[3]
if seen > now then
  now = seen
end
local micros, nanos = now, 0
if text then
  local till = tonumber(string.sub(text, 1, 16))
  if till >= now then
    micros, nanos = till, tonumber(string.sub(text, 17))
  end
end

local room, rest = ARGV[4] + now, tonumber(ARGV[5])
local times, cost, more = tonumber(ARGV[3]), tonumber(ARGV[6]), tonumber(ARGV[7])
local before = string.format('%.0f %.0f ', micros, nanos)
local granted = 0
while granted < times and (micros < room or micros == room and nanos <= rest) do
  granted, micros, nanos = granted + 1, micros + cost, nanos + more
  if nanos >= 1000 then
    micros, nanos = micros + 1, nanos - 1000
  end
end

if granted > 0 and cost + more > 0 then
  text = string.format('%016.0f%03.0f', micros, nanos)
  if kept < micros + 60000000 then
    kept = micros + 120000000
    call('HSET', KEYS[1], 'n', now, ARGV[2], text, 'x', kept)
    call('PEXPIREAT', KEYS[1], math.floor((kept - ARGV[1]) / 1000))
  else
    call('HSET', KEYS[1], 'n', now, ARGV[2], text)
  end
  if not found[3] then
    -- as limits.lua: a look at some for each one that comes
    local some = call('HRANDFIELD', KEYS[1], 4, 'WITHVALUES')
    for k = 1, #some, 2 do
      if #some[k] > 1 and tonumber(string.sub(some[k + 1], 1, 16)) < now then
        call('HDEL', KEYS[1], some[k])
      end
    end
  end
end
local wait = micros - room
if nanos > rest then
  wait = wait + 1
end
return granted .. ' ' .. before .. string.format('%.0f', wait)
