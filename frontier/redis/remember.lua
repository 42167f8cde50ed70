-- remember.lua: keeps a note on a host that is lent. Sent again it keeps it again. Cost: O(1).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used, [4] host, [5] token of its lease, [6] the note.
-- Results: [1] ok; or again, lost.
m.brings = true -- a note needs memory: without memory left it is refused
if begin() then return { 'again' } end
local h = host(ARGV[4])
if h[TOKEN] ~= ARGV[5] or not h[TOTAL] then return { 'lost' } end
call('SET', T .. 'n:' .. ARGV[4], format('%d ', now) .. ARGV[6], 'PX', '90000000') -- 25 h: see frontier.Memory
commit()
return { 'ok' }
