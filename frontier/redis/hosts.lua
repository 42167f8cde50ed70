-- hosts.lua: tells what is kept of hosts. Cost: O(hosts told).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used, [4] where in T:h to go on, 0 at first, [5] about how many hosts,
-- [6] 1 to look at their lists and indexes as well, [7...] or these hosts, and no others.
-- Results: [1] time, [2] where to go on, 0 at the end, [3...] hosts, each name, record as it is kept or empty, list of its
-- fields (empty if damaged), lengths of the lists, scores in T:r, T:rs and T:l, each or empty.
open()
local cursor, list = '0', {}
if ARGV[7] then
  local names = { unpack(ARGV, 7) }
  for i, record in ipairs(call('HMGET', T .. 'h', unpack(names))) do
    list[2 * i - 1], list[2 * i] = names[i], record or ''
  end
else
  local page = call('HSCAN', T .. 'h', ARGV[4], 'COUNT', ARGV[5])
  cursor, list = page[1], page[2]
end

local function fields(record)
  local ok, h = pcall(cmsgpack.unpack, record)
  return ok and type(h) == 'table' and h or {}
end

local reply = { now, cursor }
for i = 1, #list, 2 do
  local name = list[i]
  local row = { name, list[i + 1], fields(list[i + 1]) }
  if ARGV[6] == '1' then
    local lengths = {}
    for k = 0, 3 do lengths[k + 1] = call('LLEN', queue(name, k)) end
    row[4], row[5], row[6] = lengths, call('ZSCORE', T .. 'r', name) or '',
      call('ZSCORE', T .. 'rs', name) or ''
    row[7] = call('ZSCORE', T .. 'l', name) or ''
  end
  reply[#reply + 1] = row
end
return reply
