-- push.lua: accepts URLs that are new and under the caps. Cost: O(URLs).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] run of the server for which URLs were left out, or empty, [4] host and
-- [5] token of the lease under which they were found, or two empty ones, [6...] runs of URLs (see accept).
-- Results: [1] ok, [2] how many were new, [3] 1 if some may have been kept out by a cap; or [1] again, moved, lost.
if begin(unpack(WITH_LINKS)) then return { 'again' } end
if ARGV[3] ~= '' and ARGV[3] ~= m.run then return { 'moved' } end
if ARGV[4] ~= '' then
  local h = host(ARGV[4])
  if h[TOKEN] ~= ARGV[5] then return { 'lost' } end
  if not h[TOTAL] then -- its owner ended it, after all that it found was pushed
    commit()
    return { 'ok', 0, 1 }
  end
end
local added = accept(6)
commit()
commit_seen()
return { 'ok', added, m.capped and 1 or nil }
