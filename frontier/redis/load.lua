-- load.lua: takes a batch of a crawl that is imported. Sent again it does nothing. Cost: O(arguments).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used, [4] number of the batch, from 1 on, or 0
-- for fingerprints by themselves, [5] what it is of, [6] and more:
-- hosts: empty, then for each host name, next (ms), delay (ms), accepted, done, dead, its FAILURES;
-- seen: empty, then runs, each the name of a set, n, n fingerprints;
-- waiting: empty, then for each URL its host, when it is due (ms; empty if in line), its element;
-- list, hash: key without prefix, then values, or fields and values in turn.
-- Results: [1] ok, [2] fingerprints that their sets did not have; or [1] twice, unknown, [2] the host that it is about.
open('loaded', unpack(WITH_LINKS))
local number = tonumber(ARGV[4])
if number > 0 and number <= m.loaded then return { 'ok', 0 } end
prime()
local kind, fresh = ARGV[5], 0

local function take_hosts()
  for i = 7, #ARGV, 7 do
    if call('HEXISTS', T .. 'h', ARGV[i]) == 1 or hosts[ARGV[i]] then return { 'twice', ARGV[i] } end
    local h = host(ARGV[i])
    h[NEXT], h[DELAY], h[ACCEPTED] = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
    h[DONE], h[DEAD], h[FAILURES] = tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]), tonumber(ARGV[i + 6])
    touch(ARGV[i])
  end
end

local function take_seen()
  local i = 7
  while ARGV[i] do
    local s, n, list, here = seen(ARGV[i]), tonumber(ARGV[i + 1]), {}, {}
    local is = known(s, i + 2, n)
    for j = 1, n do
      local fp = ARGV[i + 1 + j]
      if (is[j] or 0) == 0 and not here[fp] then
        here[fp] = true
        list[#list + 1] = fp
      end
    end
    fresh, i = fresh + #list, i + 2 + n
    if list[1] then remember(s, list) end -- which may append to the list
  end
  commit_seen()
end

local function take_waiting()
  for i = 7, #ARGV, 3 do
    local name, due, element = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    local h, k = host(name), byte(ARGV[i + 2]) % 4
    if h[ACCEPTED] == 0 then return { 'unknown', name } end
    if due == '' then
      call('RPUSH', queue(name, k), element)
      h[LINE + k] = h[LINE + k] + 1
    elseif call('ZADD', T .. 'd', due, name .. '\0' .. element) == 1 then
      h[DELAYED] = h[DELAYED] + 1
    end
    touch(name)
  end
end

local bad
if kind == 'hosts' then bad = take_hosts()
elseif kind == 'waiting' then bad = take_waiting()
elseif kind == 'seen' then take_seen()
else call(kind == 'list' and 'RPUSH' or 'HSET', T .. ARGV[6], unpack(ARGV, 7)) end
if bad then return bad end
if number > 0 then set('loaded', number) end
commit()
return { 'ok', fresh }
