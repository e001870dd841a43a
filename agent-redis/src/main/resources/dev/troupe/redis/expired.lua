-- Keys of records that have expired, at most 64. The head has a lower bound of the next expiry.
local function expired(bound, now)
  if not bound or tonumber(bound) > now then
    return {}
  end
  local found = call('ZRANGEBYLEX', index, '[x', '[x' .. digits(now) .. SEP, 'LIMIT', 0, 64)
  if #found == 0 then
    local first = call('ZRANGEBYLEX', index, '[x', '(y', 'LIMIT', 0, 1)[1]
    if first then
      redis.pcall('HSET', head, 'x', string.sub(first, 2, 16))
    else
      call('HDEL', head, 'x')
    end
  end
  for i = 1, #found do
    found[i] = string.sub(found[i], 17)
  end
  return found
end
