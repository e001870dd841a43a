-- What a feed that shares a shard does beside reading what is new. KEYS: the stream, the feeds of
-- the group with how long they are taken to be there. ARGV: the group, the feed, by how many
-- milliseconds to renew (0: not, -1: it leaves), 1 when it is new, how many entries of others that
-- have gone to take (-1: do not look), 1 to judge who has gone, how many ids are done, these ids,
-- then ids to give back. Returns nothing when the feed was taken to have gone, else 1, the entries,
-- how often they were read before, and 1 when there are more.

local stream, feeds = KEYS[1], KEYS[2]
local call = redis.call
local group, me = ARGV[1], ARGV[2]
if ARGV[4] ~= '1' and call('HEXISTS', feeds, me) == 0 then
  return {}
end
local at = call('TIME')
local now = at[1] * 1000 + math.floor(at[2] / 1000)
local done = tonumber(ARGV[7])
if done > 0 then
  call('XACK', stream, group, unpack(ARGV, 8, 7 + done))
end
if #ARGV > 7 + done then
  -- a name that no feed has, so whoever looks finds them
  local ids = {unpack(ARGV, 8 + done)}
  ids[#ids + 1] = 'JUSTID'
  call('XCLAIM', stream, group, 'returned', 0, unpack(ids))
end
if ARGV[3] == '-1' then
  call('HDEL', feeds, me)
  if #call('XPENDING', stream, group, '-', '+', 1, me) == 0 then
    call('XGROUP', 'DELCONSUMER', stream, group, me)
  end
elseif ARGV[3] ~= '0' then
  call('HDEL', feeds, '') -- after that a full server lets it write; the key must not go amid this
  call('HSET', feeds, me, string.format('%.0f', now + ARGV[3]))
end

local room = tonumber(ARGV[5])
local entries, counts, more = {}, {}, 0

-- Takes entries of one that has gone, from the oldest on.
local function take(name)
  local ids, times = {}, {}
  for _, one in ipairs(call('XPENDING', stream, group, '-', '+', room, name)) do
    ids[#ids + 1] = one[1]
    times[one[1]] = one[4]
  end
  local came = {}
  for _, entry in ipairs(call('XCLAIM', stream, group, me, 0, unpack(ids))) do
    if entry and entry[2] then
      came[entry[1]] = true
      entries[#entries + 1] = entry
      counts[#counts + 1] = times[entry[1]] + 1
    end
  end
  for _, id in ipairs(ids) do
    if not came[id] then
      call('XACK', stream, group, id) -- somebody deleted it
    end
  end
  room = room - #ids
  return #ids
end

if room >= 0 then
  for _, about in ipairs(call('XINFO', 'CONSUMERS', stream, group)) do
    local name, pending = about[2], about[4]
    local till = call('HGET', feeds, name)
    local gone = not till or (ARGV[6] == '1' and tonumber(till) <= now)
    if gone and name ~= me then
      call('HDEL', feeds, name) -- from now on it settles nothing
      if pending > 0 and room > 0 then
        pending = pending - take(name)
      end
      if pending > 0 then
        more = 1
      elseif name ~= 'returned' then
        call('XGROUP', 'DELCONSUMER', stream, group, name)
      end
    end
  end
end
return {1, entries, counts, more}
