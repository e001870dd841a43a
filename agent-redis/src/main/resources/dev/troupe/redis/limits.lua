-- Goes through what is to be done with the limits of a group, and keeps what has become of them.

local reply, made = {}, 0

local function demand(from, count)
  local worst, longest = 0, 0
  for i = from, from + count - 1 do
    local w = wait(5 * ARGV[i] - 4)
    if w > longest then
      worst, longest = i - from, w
    end
  end
  made = made + 1
  if longest > 0 then
    reply[#reply + 1] = format('0 %.0f %.0f', worst, longest)
    return
  end
  reply[#reply + 1] = '1'
  for i = from, from + count - 1 do
    local p = 5 * ARGV[i] - 4
    local f = lines[p]
    if f <= rates then
      if lines[p + 3] + lines[p + 4] > 0 then
        use(f, lines[p + 3], lines[p + 4])
      end
      reply[#reply + 1] = format('%.0f', micros[f])
    elseif lines[p + 2] > 0 then
      fly(f, ARGV[2] .. '.' .. made, lines[p + 2], lines[p + 3])
    end
  end
end

local i = last + 1
while i <= #ARGV do
  local word, f = ARGV[i], tonumber(ARGV[i + 1])
  if word == 'D' then
    local count = tonumber(ARGV[i + 2])
    for _ = 1, f do
      demand(i + 3, count)
    end
    i = i + 3 + count
  elseif word == 'U' then
    use(f, tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]))
    i = i + 4
  elseif word == 'B' then
    -- time has given back what lies before now, and giving that back again would be too much
    local less, rest = tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
    local ahead = ARGV[i + 4] - now
    if less >= ahead then
      less, rest = math.max(0, ahead), 0
    end
    if nanos[f] < rest then
      less, rest = less + 1, rest - 1000
    end
    micros[f], nanos[f] = micros[f] - less, nanos[f] - rest
    if micros[f] < now then
      micros[f], nanos[f] = now, 0
    end
    touched[f], changed = true, true
    i = i + 5
  else
    local gone = call('ZREM', KEYS[f - rates + 1], unpack(members(ARGV[i + 2], tonumber(ARGV[i + 3]))))
    counts[f] = counts[f] and counts[f] - gone
    i = i + 4
  end
end

local sets, fresh, latest = {'n', now}, false, 0
for f in pairs(touched) do
  local till = micros[f] or untils[f]
  sets[#sets + 1], sets[#sets + 2] = ARGV[3 + f], format('%016.0f%03.0f', till, nanos[f] or 0)
  latest = math.max(latest, micros[f] or till - MINUTE)
  fresh = fresh or not found[f + 2]
end
if changed then
  local kept = tonumber(found[2] or 0)
  if kept < latest + MINUTE then
    kept = math.max(now, latest) + 2 * MINUTE
    sets[#sets + 1], sets[#sets + 2] = 'x', kept
  end
  call('HSET', group, unpack(sets))
  if kept ~= tonumber(found[2] or 0) then
    call('PEXPIREAT', group, math.floor((kept - ARGV[1]) / 1000))
  end
  if fresh then
    -- a look at some for each one that comes keeps those that matter no more a minority
    local some = call('HRANDFIELD', group, 4, 'WITHVALUES')
    for k = 1, #some, 2 do
      if #some[k] > 1 and tonumber(sub(some[k + 1], 1, 16)) < now then
        call('HDEL', group, some[k])
      end
    end
  end
end
return table.concat(reply, ' ')
