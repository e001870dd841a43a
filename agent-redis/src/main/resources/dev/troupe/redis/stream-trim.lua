-- Deletes what every group has done and nobody wants to keep. KEYS: the stream. ARGV: how many
-- milliseconds to keep; where there is no group, how many entries to keep, and for how many
-- milliseconds to keep all.

local stream = KEYS[1]
local call = redis.call
if call('EXISTS', stream) == 0 then
  return 0
end

local function parts(id)
  local millis, number = string.match(id, '(%d+)-(%d+)')
  return tonumber(millis), tonumber(number)
end

local at = call('TIME')
local before = at[1] * 1000 + math.floor(at[2] / 1000) - ARGV[1]
local first = string.format('%.0f-0', math.max(0, before))
local groups = call('XINFO', 'GROUPS', stream)
if #groups == 0 then
  -- somebody who looks for new topics may be about to join this one
  local oldest = call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  if not oldest or before + ARGV[1] - parts(oldest[1]) < tonumber(ARGV[3]) then
    return 0
  end
end
if #groups == 0 and tonumber(ARGV[1]) <= 1000 then
  return call('XTRIM', stream, 'MAXLEN', '~', ARGV[2])
end
for _, group in ipairs(groups) do
  local about = {}
  for i = 1, #group, 2 do
    about[group[i]] = group[i + 1]
  end
  local needed = about['last-delivered-id']
  if about['pending'] > 0 then
    needed = call('XPENDING', stream, about['name'])[2]
  end
  local m1, n1 = parts(needed)
  local m2, n2 = parts(first)
  if m1 < m2 or (m1 == m2 and n1 < n2) then
    first = needed
  end
end
return call('XTRIM', stream, 'MINID', '~', first)
