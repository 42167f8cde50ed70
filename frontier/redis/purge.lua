-- purge.lua: removes a crawl in slices, its own hash last. Cost: O(keys).
-- KEYS[1] prefix. ARGV[1] time (not used), [2] crawl, [3] not used, [4] id from now on, [5] 1 to remove T:m as well,
-- [6...] keys without their prefix.
-- Results: ok.
-- From the first slice on the id is another one: whoever has the crawl open can do no more with it, and a purge that was
-- held up finds neither this crawl nor a later one of the same name.
local m = KEYS[1] .. 'm'
local id = redis.call('HGET', m, 'id')
if id ~= ARGV[2] and id ~= ARGV[4] then error('NOCRAWL') end
redis.call('HDEL', m, '') -- needs no memory: without memory left a script can only begin so
redis.call('HSET', m, 'id', ARGV[4])
for i = 6, #ARGV do redis.call('UNLINK', KEYS[1] .. ARGV[i]) end
if ARGV[5] == '1' then redis.call('UNLINK', m) end
return 'ok'
