-- stats.lua: reads the counts. Cost: O(1).
-- KEYS[1] prefix. ARGV[1] time.
-- Results: [1] state, [2] 1 when drained, [3] seen, [4] queued, [5] delayed, [6] leased, [7] done, [8] dead, [9] hosts,
-- [10] hosts lent, [11] retries, [12] reclaimed, [13] T:f as a list of fields and values.
open()
return {
  m.state, drained() and 1 or 0, m.seen + 0, m.queued, call('ZCARD', T .. 'd'), m.leased, m.done + 0, m.dead + 0,
  call('HLEN', T .. 'h'), call('ZCARD', T .. 'l'), m.retries + 0, m.reclaimed + 0, call('HGETALL', T .. 'f'),
}
