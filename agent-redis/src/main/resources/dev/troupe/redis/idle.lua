-- What may be handed out of some queues. ARGV: offset, how many, and q: with the name of each
-- queue. The head has lower bounds of when something is due in a queue, and of when something
-- expires, so that an idle partition costs one look.

local f = call('HMGET', head, 'now', 'x', unpack(ARGV, 3))
local now
for i = 2, #f do
  if f[i] and not now then
    now = millis(f[1])
  end
end
if not now then
  return {0, {}, 0}
end
