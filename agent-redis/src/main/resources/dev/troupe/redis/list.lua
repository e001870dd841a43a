-- A page of records as they are at one moment. ARGV: offset, bounds, number, 1 for everything that
-- belongs to them. KEYS[3] and on are the records that the page had when it was looked at before;
-- where that is no longer so, the caller sees it by the keys and asks again.

local now = millis(call('HGET', head, 'now'))
local reply = {now, call('ZRANGEBYLEX', index, ARGV[2], ARGV[3], 'LIMIT', 0, ARGV[4])}
for i = 3, #KEYS do
  if ARGV[5] == '1' then
    reply[i] = call('HGETALL', KEYS[i])
  else
    reply[i] = call('HMGET', KEYS[i], 'n', 'm', 'l', 'v', 't', 'c', 'x', 'q', 'g', 'a')
  end
end
return reply
