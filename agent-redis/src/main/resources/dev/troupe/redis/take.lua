-- Hands out the records KEYS[3] and on. ARGV: offset, the grant's number and holder, bytes, 1 when
-- none may go beyond them (else the first always goes), and for each record what it was found by:
-- its entry in the index, the grant it is held under, or nothing when it was named.

local match = string.match
local now = tick()
local number, holder = ARGV[2], ARGV[3]
local grant = number .. ' ' .. holder
local most, strict = tonumber(ARGV[4]), ARGV[5] == '1'
local reply = {now, 0, {}} -- the second: 1 when records were left for their bytes
local bytes = 0

local function size(all)
  local sum = 0
  for i = 1, #all, 2 do
    local field = all[i]
    if field == 'v' or match(field, '^[rm]:') then
      sum = sum + #all[i + 1]
    end
  end
  return sum
end

local function take(record, by)
  local key = string.sub(record, #head + 1)
  local f = call('HMGET', record, 'q', 'g', 'x')
  if f[3] and tonumber(f[3]) <= now then
    return
  end
  local entry
  if f[1] then
    local priority, due, queue = match(f[1], '^(%d) (%d+) %-?%d+ (.*)$')
    entry = 'r' .. queue .. SEP .. priority .. due .. key
    if by ~= '' and by ~= entry then
      return
    end
  elseif f[2] and by == f[2] and by ~= grant then
    local old, former = match(by, '^(%-?%d+) (.*)$')
    entry = 'h' .. former .. SEP .. old .. SEP .. key
  end
  -- only the first of a lane is in the index
  if not entry or not call('ZSCORE', index, entry) then
    return
  end
  local all = call('HGETALL', record)
  local more = size(all)
  if strict and bytes + more > most then
    reply[2] = 1
    return
  end
  bytes = bytes + more
  call('ZREM', index, entry)
  call('ZADD', index, 0, 'h' .. holder .. SEP .. number .. SEP .. key)
  call('HDEL', record, 'q')
  call('HSET', record, 'g', grant)
  call('HINCRBY', record, 'n', 1)
  reply[#reply + 1] = key
  reply[#reply + 1] = all
end

for i = 3, #KEYS do
  if bytes > most then
    reply[2] = 1
    break
  end
  take(KEYS[i], ARGV[i + 3])
end
-- a record that was named may stand behind an expired one in its lane
if #reply < 3 + 2 * (#KEYS - 2) then
  reply[3] = expired(call('HGET', head, 'x'), now)
end
return reply
