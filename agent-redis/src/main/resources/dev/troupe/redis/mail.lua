-- One record with its counters and the mail after a number, without its rows. ARGV: offset, number.

local now = millis(call('HGET', head, 'now'))
local record = KEYS[3]
local f = call('HMGET', record, 'n', 'm', 'l', 'v', 't', 'c', 'x', 'q', 'g', 'a', 'k')
if not f[6] then
  return {now}
end
local more = {}
local function read(field)
  more[#more + 1] = field
  more[#more + 1] = call('HGET', record, field)
end
for name in string.gmatch(f[11] or '', '([^\255]+)\255') do
  read('c:' .. name)
end
local from = tonumber(ARGV[2])
for number = from < 0 and 1 or from + 1, tonumber(f[2] or 0) do
  read('m:' .. string.format('%.0f', number))
end
return {now, f, more}
