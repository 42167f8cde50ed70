-- hold.lua: keeps the crawl open for somebody who is seeding. Cost: O(log holders).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used, [4] name, [5] for how long (ms; 0 lets go).
-- Results: ok.
open()
call('ZREMRANGEBYSCORE', T .. 'hold', '-inf', now)
if ARGV[5] == '0' then
  call('ZREM', T .. 'hold', ARGV[4])
else
  call('ZADD', T .. 'hold', now + ARGV[5], ARGV[4])
end
return 'ok'
