-- init.lua: makes a crawl, unless it is there. Cost: O(1).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used, [4] who holds the crawl open from the start, or empty, [5] for
-- how long (ms), then pairs of field and value of T:m.
-- Results: 1 when it was made, 0 when it was there.
if call('HEXISTS', T .. 'm', 'schema') == 1 then return 0 end
call('HSET', T .. 'm', 'id', ARGV[2], unpack(ARGV, 6))
for _, count in ipairs({ 'seen', 'queued', 'delayed', 'leased', 'done', 'dead', 'retries', 'reclaimed' }) do
  call('HSET', T .. 'm', count, 0) -- for people, who look at them
end
open()
if ARGV[4] ~= '' then call('ZADD', T .. 'hold', now + ARGV[5], ARGV[4]) end
return 1
