-- What a topic was made with. KEYS: the topic. ARGV: shards and milliseconds to keep for a topic
-- that is not there yet; nothing to look only.

local topic = KEYS[1]
if ARGV[1] and redis.call('HSETNX', topic, 'shards', ARGV[1]) == 1 then
  redis.call('HSET', topic, 'format', '1', 'keep', ARGV[2])
end
return redis.call('HMGET', topic, 'format', 'shards', 'keep')
