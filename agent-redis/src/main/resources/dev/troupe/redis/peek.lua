-- Goes on where something is, or was, waiting.

local limit = tonumber(ARGV[2])
local reply = {now, expired(f[2], now), 0}

for i = 3, #ARGV do
  local bound = f[i]
  if bound and tonumber(bound) <= now then
    local entry = 'r' .. string.sub(ARGV[i], 3) .. SEP
    local found, room = false, limit
    for priority = 2, 0, -1 do
      -- one of each priority at least: it may be the one due longest
      local want = room > 1 and room or 1
      local from = entry .. priority
      local some = call('ZRANGEBYLEX', index, '[' .. from, '[' .. from .. digits(now) .. SEP,
        'LIMIT', 0, want)
      for j = 1, #some do
        reply[#reply + 1] = some[j]
      end
      if #some == want then
        reply[3] = 1
      end
      found = found or #some > 0
      room = room - #some
    end
    if not found then
      -- the bound was of one that has gone since
      local least
      for priority = 2, 0, -1 do
        local from = entry .. priority
        local first = call('ZRANGEBYLEX', index, '[' .. from, '(' .. from .. SEP, 'LIMIT', 0, 1)[1]
        local due = first and string.sub(first, #from + 1, #from + 15)
        if due and (not least or tonumber(due) < tonumber(least)) then
          least = due
        end
      end
      if least then
        redis.pcall('HSET', head, ARGV[i], least)
      else
        call('HDEL', head, ARGV[i])
      end
    end
  end
end
return reply
