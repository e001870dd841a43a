-- Begins most scripts. KEYS[1] is the head of the partition, KEYS[2] its index; ARGV[1] moves the
-- clock and is 0 outside of tests.

local call = redis.call
local head, index = KEYS[1], KEYS[2]
local SEP = '\255' -- no name holds this byte

-- A time or due time: 15 digits, so that the order of bytes is the order of numbers.
local function digits(number)
  return string.format('%015.0f', number)
end

-- The server's time in milliseconds, never behind what the head has.
local function millis(shown)
  local at = call('TIME')
  local now = at[1] * 1000 + math.floor(at[2] / 1000) + ARGV[1]
  shown = tonumber(shown or 0)
  return now > shown and now or shown
end
