-- push.lua: accepts URLs that are new and under the caps. Cost: O(URLs).
-- KEYS[1] prefix. ARGV[1] time, [2] host and [3] token of the lease under which they were found, or two empty ones,
-- [4...] runs of URLs (see accept).
-- Results: [1] ok, [2] how many were new; or [1] again, lost.
if begin(true) then return { 'again' } end
if ARGV[2] ~= '' then
  local h = host(ARGV[2])
  if h[TOKEN] ~= ARGV[3] then
    commit()
    return { 'lost' }
  end
  if not h[TOTAL] then -- its owner ended it, after all that it found was pushed
    commit()
    return { 'ok', 0 }
  end
end
local added = accept(4)
commit()
return { 'ok', added }
