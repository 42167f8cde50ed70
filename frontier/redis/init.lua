-- init.lua: makes a crawl, unless it is there. Cost: O(1).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used, then pairs of field and value of T:m.
-- Results: 1 when it was made, 0 when it was there.
if call('HEXISTS', T .. 'm', 'schema') == 1 then return 0 end
call('HSET', T .. 'm', 'id', ARGV[2], unpack(ARGV, 4))
return 1
