-- The exact time, remembered before it is shown, so that it can't go back after a restart. Where
-- memory has run out it is not remembered: reading and deleting go on.
local function tick()
  local shown = call('HGET', head, 'now')
  local now = millis(shown)
  local text = digits(now)
  if text ~= shown then
    redis.pcall('HSET', head, 'now', text)
  end
  return now
end

