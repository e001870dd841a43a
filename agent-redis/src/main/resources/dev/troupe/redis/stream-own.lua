-- Takes a shard for a member of a group. KEYS: the stream, the lease. ARGV: the group, the member,
-- milliseconds, 1 to take what its owner did not renew in time. Returns nothing when it belongs to
-- another, else the grant and the id of the last entry that the group was given.

local stream, lease = KEYS[1], KEYS[2]
local call = redis.call
local at = call('TIME')
local now = at[1] * 1000 + math.floor(at[2] / 1000)
local owner, till = unpack(call('HMGET', lease, 'owner', 'until'))
if owner and owner ~= '' and owner ~= ARGV[2] and (ARGV[4] ~= '1' or tonumber(till) > now) then
  return {}
end
local last = '0-0'
for _, group in ipairs(call('XINFO', 'GROUPS', stream)) do
  local about = {}
  for i = 1, #group, 2 do
    about[group[i]] = group[i + 1]
  end
  if about['name'] == ARGV[1] then
    last = about['last-delivered-id']
  end
end
-- after a command that frees memory a full server lets a script write
call('HDEL', lease, 'owner')
-- the number only grows, the member makes it unique also when a server forgot the number
local number = call('HINCRBY', lease, 'number', 1)
local grant = string.format('%.0f', number) .. ' ' .. ARGV[2]
call('HSET', lease, 'owner', ARGV[2], 'grant', grant, 'until', string.format('%.0f', now + ARGV[3]))
return {grant, last}
