-- revive.lua: puts dead URLs in line again, and forgets the failures of their hosts. Sent again it finds none of them. Cost: O(URLs + dead URLs before them).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used, [4...] for each: its place in T:x, its entry there, host, reason,
-- its element from now on.
-- Results: [1] ok, [2] how many were at their place and are in line now; or again.
m.brings = true -- it needs memory: without memory left it is refused whole
if begin() then return { 'again' } end
prime()
local n = 0
for i = 4, #ARGV, 5 do
  if call('LINDEX', T .. 'x', ARGV[i]) == ARGV[i + 1] then
    local name, reason, element = ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
    local h, k = host(name), byte(element) % 4
    call('LSET', T .. 'x', ARGV[i], '') -- taken out at the end: the places of the others stay good until then
    call('RPUSH', queue(name, k), element)
    h[DEAD], h[LINE + k], h[FAILURES] = max(h[DEAD] - 1, 0), h[LINE + k] + 1, 0
    counts['dead:' .. reason] = (counts['dead:' .. reason] or 0) - 1
    touch(name)
    n = n + 1
  end
end
if n > 0 then
  call('LREM', T .. 'x', n, '')
  bump('dead', -n)
  bump('queued', n)
end
local reasons = {}
for what in pairs(counts) do reasons[#reasons + 1] = what end
commit()
for _, what in ipairs(reasons) do
  if tonumber(call('HGET', T .. 'f', what)) <= 0 then call('HDEL', T .. 'f', what) end
end
return { 'ok', n }
