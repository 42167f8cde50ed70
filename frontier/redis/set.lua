-- set.lua: changes fields of the crawl (state, policy). Cost: O(1).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used, then pairs of field and value of T:m.
-- Results: the version of the crawl.
open('version')
call('HSET', T .. 'm', 'version', m.version + 1, unpack(ARGV, 4))
return m.version + 1
