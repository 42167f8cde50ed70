-- stats.lua: reads the counts. Cost: O(1).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used.
-- Results: [1] state, [2] 1 when drained, [3] seen, [4] queued, [5] delayed, [6] leased, [7] done, [8] dead, [9] hosts,
-- [10] hosts lent, [11] retries, [12] reclaimed, [13] T:f as a list of fields and values.
open('queued', 'delayed', 'dead', 'seen', 'max_pages', 'retries', 'reclaimed')
return {
  m.state, drained() and 1 or 0, m.seen, m.queued, m.delayed, m.leased, m.done, m.dead, call('HLEN', T .. 'h'),
  call('ZCARD', T .. 'l'), m.retries, m.reclaimed, call('HGETALL', T .. 'f'),
}
