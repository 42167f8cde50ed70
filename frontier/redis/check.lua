-- check.lua: tells whether a set of 512 integers is kept as such, by making one. Cost: O(1).
-- KEYS[1] prefix. ARGV[1] time (not used).
-- Results: how it is kept; intset is what the seen sets need.
local key, list = KEYS[1] .. 'check', {}
for i = 1, 512 do list[i] = i end
redis.call('DEL', key)
redis.call('SADD', key, unpack(list))
local kept = redis.call('OBJECT', 'ENCODING', key)
redis.call('DEL', key)
return kept
