-- sets.lua: checks buckets of a seen set: each is a set of integers, which belong there. Cost: O(fingerprints).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used, [4] name of the set, [5] how many buckets it has, [6] the first to
-- check, [7] how many of them.
-- Results: [1] how many fingerprints they have, [2...] those that are damaged.
open()
local s = { name = ARGV[4], buckets = tonumber(ARGV[5]), size = 1 }
while s.size < s.buckets do s.size = s.size * 2 end
local reply = { 0 }
for b = ARGV[6], ARGV[6] + ARGV[7] - 1 do
  local list, bad = call('SMEMBERS', bucket(s, b)), false
  for i = 1, #list do
    local fp = tonumber(list[i]) or -1
    list[i], bad = fp, bad or fp < 0 or fp % 1 > 0
  end
  bad = bad or #list > 0 and call('OBJECT', 'ENCODING', bucket(s, b)) ~= 'intset'
  for at in pairs(bad and {} or spread(s, list)) do bad = bad or at ~= b end
  reply[1] = reply[1] + #list
  if bad then reply[#reply + 1] = b end
end
return reply
