-- Where records stand, and what finds them there. A record's state is a table of the fields of its
-- hash; set() notes what is written at the end of a change. The index is written at once, because
-- lines of one change look at it: who is first in a lane. Few functions: to make one costs as much
-- as to look at a key, and scripts make theirs anew each time.

local match, sub = string.match, string.sub
local now = tick()

local function load(place)
  local at = KEYS[place]
  local f = call('HMGET', at, 'n', 'm', 'l', 'c', 'x', 'q', 'g', 'a', 't')
  local expired = f[5] and tonumber(f[5]) <= now
  return {
    at = at, key = sub(at, #head + 1), -- keys of head and record begin alike
    there = f[4] and not expired, stale = expired,
    n = tonumber(f[1] or 0), m = tonumber(f[2] or 0), l = f[3] or '', c = f[4], x = f[5],
    q = f[6], g = f[7], a = f[8], t = f[9] or '', fresh = {},
  }
end

local function set(r, field, value)
  r[field] = value
  r.fresh[field] = value
end

-- Lets an entry be handed out; the head has a lower bound of the due times of each queue.
local function announce(entry)
  local queue, due = match(entry, '^r(.-)\255%d(%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d)')
  call('ZADD', index, 0, entry)
  local bound = call('HGET', head, 'q:' .. queue)
  if not bound or tonumber(due) < tonumber(bound) then
    call('HSET', head, 'q:' .. queue, due)
  end
end

-- The key of the first in a lane.
local function first(lane)
  local entry = 'l' .. lane .. SEP
  local found = call('ZRANGEBYLEX', index, '[' .. entry, '(' .. entry .. SEP, 'LIMIT', 0, 1)[1]
  return found and sub(found, #entry + 17) -- after 16 digits of its turn
end

-- Out of its queue or its holder's hands, and out of its lane unless that is the lane to stay in.
-- Whoever is first in a lane then may be handed out.
local function out(r, stay)
  if r.q then
    local priority, due, queue = match(r.q, '^(%d) (%d+) %-?%d+ (.*)$')
    if call('ZREM', index, 'r' .. queue .. SEP .. priority .. due .. r.key) == 0 then
      call('HDEL', head, 'w:' .. r.key)
    end
    set(r, 'q', false)
  elseif r.g then
    local number, holder = match(r.g, '^(%-?%d+) (.*)$')
    call('ZREM', index, 'h' .. holder .. SEP .. number .. SEP .. r.key)
    set(r, 'g', false)
  end
  if r.a then
    local turn, lane = match(r.a, '^(%d+) (.*)$')
    if lane ~= stay then
      call('ZREM', index, 'l' .. lane .. SEP .. turn .. r.key)
      set(r, 'a', false)
      local next = first(lane)
      local entry = next and call('HGET', head, 'w:' .. next)
      if entry then
        call('HDEL', head, 'w:' .. next)
        announce(entry)
      end
    end
  end
end

local function enqueue(r, queue, priority, due, lane, wake)
  out(r, lane)
  if lane ~= '' and not r.a then
    local turn = string.format('%016.0f', call('HINCRBY', head, 'turn', 1))
    call('ZADD', index, 0, 'l' .. lane .. SEP .. turn .. r.key)
    set(r, 'a', turn .. ' ' .. lane)
  end
  local entry = 'r' .. queue .. SEP .. priority .. due .. r.key
  if r.a and first(lane) ~= r.key then
    call('HSET', head, 'w:' .. r.key, entry)
  else
    announce(entry)
  end
  set(r, 'q', priority .. ' ' .. due .. ' ' .. wake .. ' ' .. queue)
end
