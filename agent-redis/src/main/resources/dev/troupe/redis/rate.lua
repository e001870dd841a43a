-- The short way for what is asked most: the same permits of one rate, so many times. KEYS[1] is the
-- hash of the group. ARGV: field, how many times, what may lie ahead and what each costs, in
-- nanoseconds, and where it is not 0 the offset. Answers when all that was granted will have come
-- back; if something was refused, with how often it was granted and how long the next one would have
-- to wait. What it keeps is what limits.lua keeps.

local call = redis.call
local at = call('TIME')
local offset = ARGV[5] or 0
local now = at[1] * 1000000 + at[2] + offset
local found = call('HMGET', KEYS[1], 'n', 'x', ARGV[1])
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

local times, most, cost = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local rest, more = most % 1000, cost % 1000
local room = now + (most - rest) / 1000
cost = (cost - more) / 1000
local granted = 0
while granted < times and (micros < room or micros == room and nanos <= rest) do
  granted, micros, nanos = granted + 1, micros + cost, nanos + more
  if nanos >= 1000 then
    micros, nanos = micros + 1, nanos - 1000
  end
end

text = string.format('%016.0f%03.0f', micros, nanos)
if granted > 0 and cost + more > 0 then
  if kept < micros + 60000000 then
    kept = micros + 120000000
    call('HSET', KEYS[1], 'n', now, ARGV[1], text, 'x', kept)
    call('PEXPIREAT', KEYS[1], math.floor((kept - offset) / 1000))
  else
    call('HSET', KEYS[1], 'n', now, ARGV[1], text)
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
if granted == times then
  return text
end
return text .. string.format(' %.0f %.0f', granted, micros - room + (nanos > rest and 1 or 0))
