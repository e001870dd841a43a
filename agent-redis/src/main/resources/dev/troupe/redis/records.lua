-- Records come and go, with everything in the index that belongs to them.

local adds = {} -- entries for keys and tags, at which no line looks

local function flush()
  if #adds > 0 then
    call('ZADD', index, unpack(adds))
    adds = {}
  end
end

-- Adds the entries of tags and of the record itself, or removes them.
local function list(r, packed, itself, adding)
  local entries = adding and adds or {}
  local function entry(text)
    if adding then
      entries[#entries + 1] = 0
    end
    entries[#entries + 1] = text
  end
  if itself then
    entry('k' .. r.key)
    entry('t' .. SEP .. r.c .. r.key)
  end
  for tag in string.gmatch(packed, '([^\255]+)\255') do
    entry('t' .. tag .. SEP .. r.c .. r.key)
  end
  if not adding and #entries > 0 then
    call('ZREM', index, unpack(entries))
  elseif #adds > 2000 then
    flush()
  end
end

local function remove(r)
  flush()
  out(r)
  list(r, r.t, true, false)
  if r.x then
    call('ZREM', index, 'x' .. r.x .. r.key)
  end
  call('UNLINK', r.at)
  r.there, r.stale, r.n, r.m, r.l, r.t = false, false, 0, 0, '', ''
  r.c, r.x, r.fresh = false, false, {}
end

local function put(r, value, packed, expires)
  set(r, 'v', value)
  if packed ~= r.t then
    if r.t ~= '' then
      flush()
      list(r, r.t, false, false)
    end
    list(r, packed, false, true)
    set(r, 't', packed)
  end
  if expires ~= (r.x or '') then
    if r.x then
      call('ZREM', index, 'x' .. r.x .. r.key)
    end
    if expires ~= '' then
      call('ZADD', index, 0, 'x' .. expires .. r.key)
      local bound = call('HGET', head, 'x')
      if not bound or tonumber(expires) < tonumber(bound) then
        call('HSET', head, 'x', expires)
      end
    end
    set(r, 'x', expires ~= '' and expires)
  end
end

-- Mail waits under its number; its name leads to the number. False when it has to be dropped.
local function deliver(r, name, content, urgent)
  if not r.there then
    return false
  end
  if r.m > 0 and call('HEXISTS', r.at, name) == 1 then
    return true
  end
  if not r.q and not r.g then
    return false
  end
  set(r, 'm', r.m + 1)
  local number = string.format('%.0f', r.m)
  call('HSET', r.at, name, number, 'm:' .. number, content)
  if r.q then
    local priority, due, wake, queue = match(r.q, '^(%d) (%d+) (%-?%d+) (.*)$')
    if tonumber(due) > now and (urgent == '1' or r.m >= tonumber(wake)) then
      enqueue(r, queue, priority, digits(now), r.a and match(r.a, '^%d+ (.*)$') or '', wake)
    end
  end
  return true
end

-- Writes what a change has set.
local function save(r)
  local sets, drops = {}, {}
  for field, value in pairs(r.fresh) do
    if value then
      sets[#sets + 1] = field
      sets[#sets + 1] = value
    else
      drops[#drops + 1] = field
    end
  end
  if #sets > 0 then
    call('HSET', r.at, unpack(sets))
    r.fresh = {}
  end
  if #drops > 0 then
    call('HDEL', r.at, unpack(drops))
    r.fresh = {}
  end
end
