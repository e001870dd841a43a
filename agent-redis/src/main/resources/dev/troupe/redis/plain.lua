-- One command, for clients of clusters, which send scripts alike in all versions. KEYS: its key.
-- ARGV: before which word of the command the key stands, then its words without the key.

local words = {unpack(ARGV, 2)}
table.insert(words, tonumber(ARGV[1]), KEYS[1])
return redis.call(unpack(words))
