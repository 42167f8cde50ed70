-- run.lua: notes which run of a server has the crawl, if the crawl is there. Cost: O(1).
-- KEYS[1] prefix. ARGV[1] time (not used), [2] the run.
-- Results: 1 when it is another one than before, else 0.
local key = KEYS[1] .. 'm'
local v = redis.call('HMGET', key, 'schema', 'run')
if not v[1] or v[2] == ARGV[2] then return 0 end
redis.call('HDEL', key, '') -- needs no memory: without memory left a script can only begin so
redis.call('HSET', key, 'run', ARGV[2])
return 1
