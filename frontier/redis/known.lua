-- known.lua: tells which fingerprints are not in a seen set. Cost: O(fingerprints).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used, [4...] runs, each the name of a seen set, n, n fingerprints.
-- Results: the places of those that are not, from 1 on.
open()
local missing, place, i = {}, 0, 4
while ARGV[i] do
  local n = tonumber(ARGV[i + 1])
  local is = known(seen(ARGV[i]), i + 2, n)
  for j = 1, n do
    if (is[j] or 0) == 0 then missing[#missing + 1] = place + j end
  end
  place, i = place + n, i + 2 + n
end
return missing
