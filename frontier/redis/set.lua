-- set.lua: changes fields of the crawl (state, policy). Cost: O(1).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used, then pairs of field and value of T:m.
-- Results: the version of the crawl.
open('version')
prime() -- a crawl can be paused without memory left
call('HSET', T .. 'm', unpack(ARGV, 4))
set('version', max(m.version + 1, now)) -- if the server loses this, no later version is the same number
commit()
return m.version
