-- set.lua: changes fields of the crawl (state, policy). Cost: O(1).
-- KEYS[1] prefix. ARGV[1] time, then pairs of field and value of T:m.
-- Results: ok.
open()
call('HSET', T .. 'm', unpack(ARGV, 2))
return 'ok'
