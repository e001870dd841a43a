-- The hot path: rows set under a grant. KEYS[1] is the head of the partition, the others are
-- records. ARGV: offset, 1 to look at the server's clock, and for each row: place of its record in
-- KEYS, grant, field, value. Answers the time and, for each row, version and mail of its record,
-- all in one text, because that is cheaper than a table.

local call = redis.call

local function millis()
  local at = call('TIME')
  return at[1] * 1000 + math.floor(at[2] / 1000) + ARGV[1]
end

-- Nothing depends on the time here: it may trail by some milliseconds and is seldom looked at.
local shown = call('HGET', KEYS[1], 'now')
if ARGV[2] == '1' or not shown then
  local now = millis()
  if now > tonumber(shown or 0) then
    shown = string.format('%015.0f', now)
    redis.pcall('HSET', KEYS[1], 'now', shown)
  end
end

local reply, now, refused = shown, nil, nil
for i = 3, #ARGV, 4 do
  local record = KEYS[tonumber(ARGV[i])]
  local f = call('HMGET', record, 'g', 'n', 'm', 'x')
  local expired = false
  if f[4] then
    now = now or math.max(millis(), tonumber(shown))
    expired = tonumber(f[4]) <= now
  end
  if f[1] == ARGV[i + 1] and not expired then
    call('HSET', record, ARGV[i + 2], ARGV[i + 3])
    reply = reply .. ' ' .. f[2] .. ' ' .. (f[3] or '0')
  else
    reply = reply .. ' -1 0'
    refused = refused or {}
    refused[#refused + 1] = (f[2] and not expired)
      and call('HMGET', record, 'n', 'm', 'l', 'v', 't', 'c', 'x', 'q', 'g', 'a') or {}
  end
end
if refused then
  return {reply, refused}
end
return reply
