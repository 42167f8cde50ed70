-- lib.lua: what the scripts share. Go puts it in front of each of them.
-- KEYS[1] is the crawl's prefix T; keys.go names and explains every key that is made from it. ARGV[1] is the time in
-- Unix milliseconds, or 0 to ask the server.
--
-- A script reads the counts and each host that it touches once, changes them here, and writes them back in commit.

local T = KEYS[1]
local call, byte, sub, char, find = redis.call, string.byte, string.sub, string.char, string.find
local floor, max, min = math.floor, math.max, math.min

-- The crawl: T:m

local m, now, clock = {}, 0, '' -- clock is now as text, which commands want
local changed = {} -- fields of m

-- open reads the crawl and the clock, which never goes back: not by a new master, not by a correction either.
local function open()
  local v = call('HMGET', T .. 'm', 'schema', 'state', 'clk', 'tok', 'max_pages', 'max_host_pages', 'max_host_queue',
    'delay', 'seen', 'queued', 'leased', 'done', 'dead', 'retries', 'reclaimed')
  if not v[1] then error('NOCRAWL') end
  m = {
    state = v[2], clk = v[3] or 0, tok = v[4] or 0, max_pages = tonumber(v[5]), max_host_pages = tonumber(v[6]),
    max_host_queue = tonumber(v[7]), delay = tonumber(v[8]), seen = v[9] or 0, queued = tonumber(v[10] or 0),
    leased = tonumber(v[11] or 0), done = v[12] or 0, dead = v[13] or 0, retries = v[14] or 0, reclaimed = v[15] or 0,
  }
  now = tonumber(ARGV[1])
  if now == 0 then
    local t = call('TIME')
    now = t[1] * 1000 + floor(t[2] / 1000)
  end
  now = max(now, tonumber(m.clk))
  clock = string.format('%.0f', now)
end

-- bump adds to a count of the crawl's.
local function bump(field, n)
  m[field] = m[field] + n
  changed[field] = true
end

-- drained tells whether the crawl is over.
local function drained()
  if m.leased > 0 then return false end
  if m.state == 'stopping' or m.max_pages > 0 and m.done + m.dead >= m.max_pages then return true end
  return m.queued == 0 and call('ZCARD', T .. 'd') == 0 and call('ZCOUNT', T .. 'hold', '(' .. clock, '+inf') == 0
end

-- Hosts: T:h, T:r, T:l

-- A host's record is an array. It is TOKEN-1 long before its first lease, TOTAL-1 long between leases.
local NEXT, DELAY = 1, 2 -- not lent before (ms); its own delay (ms)
local ACCEPTED, DONE, DEAD, DELAYED = 3, 4, 5, 6
local PROBATION = 7      -- 1: lent one URL at a time, until one is settled
local LINE = 8           -- and 9, 10, 11: how long its lists are, lent URLs included
local TOKEN, SETTLED = 12, 13 -- of the latest lease, unless it expired
local TOTAL, TTL = 14, 15     -- of the live one: URLs lent to begin with; time to live (ms)
local LENT = 16          -- and 17, 18, 19: unsettled ones, the heads of the lists
local ASKED = 20         -- the request that it answered: see T:a

local hosts, place, touched, deadline = {}, {}, {}, {}

local function queue(name, k) return T .. 'q' .. k .. ':' .. name end
local function in_line(h) return h[LINE] + h[LINE + 1] + h[LINE + 2] + h[LINE + 3] end
local function pace(h) return max(m.delay, h[DELAY]) end

-- where tells which index a host belongs in: l when it is lent, r when it can be, or none.
local function where(h)
  return h[TOTAL] and 'l' or in_line(h) > 0 and 'r' or ''
end

local function host(name)
  local h = hosts[name]
  if h then return h end
  local record = call('HGET', T .. 'h', name)
  h = record and cmsgpack.unpack(record) or { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
  hosts[name], place[name] = h, where(h)
  return h
end

-- touch has a host written back.
local function touch(name)
  if not touched[name] then
    touched[name] = true
    touched[#touched + 1] = name
  end
end

-- What is counted by reason: T:f, T:e:<reason>, T:x

local counts, examples = {}, {}

local function count(what, n) counts[what] = (counts[what] or 0) + n end

-- refuse keeps one example of a reason for each call.
local function refuse(reason, n, example)
  count('refused:' .. reason, n)
  if example ~= '' then examples[reason] = example end
end

local function bury(name, h, element, reason, detail)
  h[DEAD] = h[DEAD] + 1
  bump('dead', 1)
  count('dead:' .. reason, 1)
  local why = cjson.encode({ host = name, reason = reason, detail = detail, at = now })
  call('RPUSH', T .. 'x', why .. '\0' .. element)
end

-- Elements: see element.go

local TRIED = 64 -- flag: the second byte counts tries
local STRIKE, MAX_STRIKES = 64, 3

-- tried counts an attempt at a URL, and strikes of the death of its worker. It tells how many those are.
local function tried(element, strikes)
  local flags, tries, rest = byte(element), 0, 2
  if flags >= TRIED then tries, rest = byte(element, 2), 3 else flags = flags + TRIED end
  if tries % STRIKE < STRIKE - 1 then tries = tries + 1 end
  strikes = strikes + floor(tries / STRIKE)
  tries = tries % STRIKE + STRIKE * min(strikes, MAX_STRIKES)
  return char(flags, tries) .. sub(element, rest), strikes
end

-- path finds a URL's path, behind flags, tries and varints.
local function path(element)
  local flags, at = byte(element), 2
  local varints = 1 + floor(flags / 16) % 2 + floor(flags / 32) % 2
  if flags >= TRIED then at = 3 end
  while varints > 0 do
    if byte(element, at) < 128 then varints = varints - 1 end
    at = at + 1
  end
  return sub(element, at, (find(element, '\0', at, true) or 0) - 1)
end

-- The end of leases, and what time brings

-- forget_request takes a host out of what a repeated request is answered with.
local function forget_request(name, asked)
  if asked == '' then return end
  local names = {}
  for other in string.gmatch(call('HGET', T .. 'a', asked) or '', '[^ ]+') do
    if other ~= name then names[#names + 1] = other end
  end
  if #names > 0 then
    call('HSET', T .. 'a', asked, table.concat(names, ' '))
  else
    call('HDEL', T .. 'a', asked)
  end
end

-- finish ends a lease: what is not settled is in line again.
local function finish(name, h)
  local rest = h[LENT] + h[LENT + 1] + h[LENT + 2] + h[LENT + 3]
  if rest > 0 then
    bump('leased', -rest)
    bump('queued', rest)
  end
  forget_request(name, h[ASKED])
  for i = ASKED, TOTAL, -1 do h[i] = nil end
  touch(name)
end

-- cut_off counts the death of a worker against the URLs that it held: an attempt each, and a strike against one that
-- was lent alone. The third strike is the end of it.
local function cut_off(name, h, alone)
  for k = 0, 3 do
    for i = 0, h[LENT + k] - 1 do
      local element, strikes = tried(call('LINDEX', queue(name, k), i), alone and 1 or 0)
      if strikes < MAX_STRIKES then
        call('LSET', queue(name, k), i, element)
      else
        call('LPOP', queue(name, k))
        h[LINE + k], h[LENT + k] = h[LINE + k] - 1, h[LENT + k] - 1
        bump('leased', -1)
        bury(name, h, element, 'poison', 'its worker died each of the three times it was lent alone')
      end
    end
  end
end

-- expire takes a host back from a worker that died, and cannot have sent a request after two thirds of its lease.
local function expire(name, ended)
  local h = host(name)
  h[NEXT] = max(h[NEXT], ended - floor(h[TTL] / 3) + pace(h))
  h[PROBATION] = 1
  cut_off(name, h, h[TOTAL] == 1)
  finish(name, h)
  h[TOKEN], h[SETTLED] = nil, nil
  bump('reclaimed', 1)
end

-- rejoin puts a retry at the end of its line: before it there may be URLs that are lent.
local function rejoin(member)
  local zero = find(member, '\0', 1, true)
  local name, element = sub(member, 1, zero - 1), sub(member, zero + 1)
  local h, k = host(name), byte(element) % 4
  call('ZREM', T .. 'd', member)
  call('RPUSH', queue(name, k), element)
  h[DELAYED], h[LINE + k] = h[DELAYED] - 1, h[LINE + k] + 1
  bump('queued', 1)
  touch(name)
end

-- prime begins to write with a command that needs no memory. Without memory left the server refuses a script whose first
-- write needs some, and no other: so scripts that bring links fail whole, and those that settle and lend go on.
local function prime() call('HDEL', T .. 'm', '') end

-- pass lets time do its work, a bounded part of it. It tells whether some is left.
local function pass()
  local late = call('ZRANGEBYSCORE', T .. 'l', '-inf', clock, 'WITHSCORES', 'LIMIT', 0, 64)
  local due = call('ZRANGEBYSCORE', T .. 'd', '-inf', clock, 'LIMIT', 0, 256)
  if #late + #due == 0 then return false end
  prime()
  for i = 1, #late, 2 do expire(late[i], tonumber(late[i + 1])) end
  if #late == 128 then return true end
  for _, member in ipairs(due) do rejoin(member) end
  return #due == 256
end

-- Writing back

local function write(command, key, args)
  if #args > 0 then call(command, T .. key, unpack(args)) end
end

-- move takes a host out of one index and puts it into another.
local function move(name, h, before, after)
  if before ~= after and before ~= '' then call('ZREM', T .. before, name) end
  if after == 'l' and deadline[name] then
    call('ZADD', T .. 'l', deadline[name], name)
  elseif after == 'r' and before ~= 'r' then
    call('ZADD', T .. 'r', h[NEXT] > now and h[NEXT] or clock, name)
  end
end

-- commit_hosts writes the hosts that were touched, and moves them to where they now belong.
local function commit_hosts()
  if #touched == 0 then return end
  local records = {}
  for i, name in ipairs(touched) do
    local h = hosts[name]
    local after = where(h)
    records[2 * i - 1], records[2 * i] = name, cmsgpack.pack(h)
    move(name, h, place[name], after)
    place[name] = after
  end
  touched = {}
  call('HSET', T .. 'h', unpack(records))
end

local sets = {} -- the seen sets that links.lua read

local function commit_seen()
  for name, s in pairs(sets) do
    if s.changed and s.small == '' then
      call('HDEL', T .. 's', name)
    elseif s.changed then
      call('HSET', T .. 's', name, s.small or '!' .. s.buckets .. ':' .. s.count)
    end
    s.changed = false
  end
end

local function commit_reasons()
  for what, n in pairs(counts) do call('HINCRBY', T .. 'f', what, n) end
  for reason, example in pairs(examples) do
    call('LPUSH', T .. 'e:' .. reason, example)
    call('LTRIM', T .. 'e:' .. reason, 0, 99)
  end
  counts, examples = {}, {}
end

-- commit writes back all that was changed. It may be called more than once.
local function commit()
  commit_hosts()
  commit_seen()
  commit_reasons()
  local fields = { 'clk', clock }
  for field in pairs(changed) do
    fields[#fields + 1], fields[#fields + 2] = field, m[field]
  end
  changed = {}
  call('HSET', T .. 'm', unpack(fields))
end

-- begin opens the crawl and lets time do its work. When it tells true the script has to end at once, and be called
-- again: it committed what it did.
local function begin(links)
  open()
  if links then call('HSET', T .. 'm', 'clk', clock) end
  local again = pass()
  if again or #touched > 0 then commit() end -- a host taken back can be lent by this very call
  return again
end
