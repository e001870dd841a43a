-- Limits of one group. KEYS[1] is its hash, each other key a sorted set of what is in flight of one
-- limit. ARGV: offset, id, number of rates, the fields of the rates and of the limits in flight,
-- number of lines, five numbers for each line, and what limits.lua is to do:
--   D times count line...    the same demand some times
--   U rate micros nanos      more is used
--   B rate micros nanos end  that much less was used of what ends then
--   F flight id permits      no longer in flight
-- Answers for each demand '1' and the end of each of its rates, or '0', the line, and the wait.

local call = redis.call
local sub, format = string.sub, string.format
local group = KEYS[1]
local MINUTE, MOST = 60000000, 9000000000000000

local at = call('TIME')
local now = at[1] * 1000000 + at[2] + ARGV[1]
local rates, fields = tonumber(ARGV[3]), tonumber(ARGV[3]) + #KEYS - 1
local found = call('HMGET', group, 'n', 'x', unpack(ARGV, 4, 3 + fields))
if found[1] and tonumber(found[1]) > now then
  now = tonumber(found[1])
end

-- For each rate, when all that was granted will have come back: microseconds, and nanoseconds.
local micros, nanos = {}, {}
for f = 1, rates do
  local text = found[f + 2] or '0000000000000000000'
  micros[f], nanos[f] = tonumber(sub(text, 1, 16)), tonumber(sub(text, 17))
  if micros[f] < now then
    micros[f], nanos[f] = now, 0
  end
end

-- A line: place of its field; of a rate what may lie ahead and its cost, of a limit in flight how
-- many there may be before, what it takes, and for how long.
local lines, base = {}, 4 + fields
local last = base + 5 * ARGV[base]
for i = base + 1, last do
  lines[i - base] = tonumber(ARGV[i])
end

local touched, counts, clean, changed = {}, {}, {}, false

-- The expired are removed when they stand in the way.
local function wait(p)
  local f = lines[p]
  if f <= rates then
    local more = nanos[f] > lines[p + 2] and 1 or 0
    return micros[f] - now - lines[p + 1] + more
  end
  local set = KEYS[f - rates + 1]
  local free, count = lines[p + 1], counts[f] or call('ZCARD', set)
  if count > free and not clean[f] then
    count, clean[f] = count - call('ZREMRANGEBYSCORE', set, '-inf', now), true
  end
  counts[f] = count
  if count <= free then
    return 0
  end
  local first = call('ZRANGE', set, count - free - 1, count - free - 1, 'WITHSCORES')
  return first[2] - now
end

local function use(f, more, rest)
  rest = nanos[f] + rest
  micros[f] = math.min(MOST, micros[f] + more + (rest >= 1000 and 1 or 0))
  nanos[f] = rest >= 1000 and rest - 1000 or rest
  touched[f], changed = true, true
end

local function members(id, permits)
  local all = {id}
  for i = 2, permits do
    all[i] = id .. ' ' .. i
  end
  return all
end

-- Until when something of a sorted set matters is kept in its field.
local untils = {}
local function fly(f, id, permits, length)
  local set = KEYS[f - rates + 1]
  local all = {}
  for _, member in ipairs(members(id, permits)) do
    all[#all + 1], all[#all + 2] = now + length, member
  end
  call('ZADD', set, unpack(all))
  counts[f], changed = counts[f] + permits, true
  local known = untils[f] or tonumber(sub(found[f + 2] or '0', 1, 16))
  if known < now + length + MINUTE then
    untils[f] = now + length + 2 * MINUTE
    touched[f] = true
    call('PEXPIREAT', set, math.floor((untils[f] - ARGV[1]) / 1000))
  end
end
