-- hold.lua: keeps the crawl open for somebody who is seeding. Cost: O(log holders).
-- KEYS[1] prefix. ARGV[1] time, [2] name, [3] for how long (ms; 0 lets go).
-- Results: ok.
open()
call('ZREMRANGEBYSCORE', T .. 'hold', '-inf', clock)
if ARGV[3] == '0' then
  call('ZREM', T .. 'hold', ARGV[2])
else
  call('ZADD', T .. 'hold', now + ARGV[3], ARGV[2])
end
return 'ok'
