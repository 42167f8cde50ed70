-- lib.lua: what the scripts share. Go puts it in front of each of them, and writes the numbers in for the constants.
-- KEYS[1] is the crawl's prefix T; keys.go names and explains every key that is made from it. ARGV[1] is the time in
-- Unix milliseconds, or 0 to ask the server; ARGV[2] is the id of the crawl.
--
-- A script reads the counts and each host that it touches once, changes them here, and writes them back in commit.
-- Functions that are seldom needed are made inside those that need them: making one takes as long as a small command.

local T = KEYS[1]
local call, byte, sub, max, min, floor = redis.call, string.byte, string.sub, math.max, math.min, math.floor
local format = string.format -- of numbers: commands take them with 17 digits, which takes as long as a small command

-- The crawl: T:m

local m, now = {}, 0
local changed = {} -- fields of m

-- set changes a field of the crawl.
local function set(field, value)
  m[field], changed[field] = value, true
end

-- bump adds to a count of the crawl's.
local function bump(field, n)
  if m[field] then set(field, m[field] + n) else call('HINCRBY', T .. 'm', field, n) end
end

-- read_clock finds what time it is. The clock never goes back, neither by a new master nor by a correction: from there it
-- goes on at its pace, skew ahead. When it was not read for long, or jumped, leases did not run out meanwhile: whoever
-- holds them could not reach us, so no host is taken back for another ttl (the longest of all, but five minutes at most).
-- Workers that live read it every two seconds.
local MAX_GRACE = 300000

local function read_clock()
  now = tonumber(ARGV[1])
  if now == 0 then
    local t = call('TIME')
    now = t[1] * 1000 + floor(t[2] / 1000) + m.skew
    if now < m.clk then
      set('skew', m.skew + m.clk - now)
    elseif m.leased > 0 and now - m.clk > max(m.ttl / 3, 2500) then
      set('grace', now + m.ttl)
      set('wake', 0)
    end
  end
  now = max(now, m.clk)
end

-- open reads the crawl, with fields beside those that all scripts need.
local function open(...)
  local fields = { 'id', 'state', 'run', 'clk', 'skew', 'wake', 'ttl', 'leased', 'done', ... }
  local v = call('HMGET', T .. 'm', unpack(fields))
  if v[1] ~= ARGV[2] then error('NOCRAWL') end
  m.state, m.run = v[2], v[3]
  for i = 4, #fields do m[fields[i]] = (v[i] or 0) + 0 end -- quicker than tonumber
  read_clock()
end

-- Hosts: T:h, T:r, T:rs, T:l

-- A host's record is an array. It is TOKEN-1 long before its first lease, TOTAL-1 long between leases.
local NEXT, DELAY = 1, 2 -- not lent before (ms); its own delay (ms)
local ACCEPTED, DONE, DEAD, DELAYED = 3, 4, 5, 6
local PROBATION = 7      -- 1: lent one URL at a time, until one is settled; 2: that one is in T:p
local LINE = 8           -- and 9, 10, 11: how long its lists are, lent URLs included
local FAILURES = 12      -- 1 more than the requests in a row that failed; 0: whether it answers is not known
local TOKEN, SETTLED = 13, 14 -- of the latest lease, unless it expired
local TOTAL, TTL = 15, 16     -- of the live one: URLs lent to begin with; time to live (ms)
local LENT = 17          -- and 18, 19, 20: unsettled ones, the heads of the lists
local DEADLINE, WORKER = 21, 22 -- of it (ms), never before the one in T:l; and who holds it

local hosts, place, touched = {}, {}, {}

local queues = { [0] = T .. 'q0:', T .. 'q1:', T .. 'q2:', T .. 'q3:' }

local function queue(name, k) return queues[k] .. name end
local function in_line(h) return h[LINE] + h[LINE + 1] + h[LINE + 2] + h[LINE + 3] end

-- where tells which index a host belongs in: l when it is lent; when it can be r, or rs for a stranger; or none.
local function where(h)
  return h[TOTAL] and 'l' or in_line(h) == 0 and '' or h[FAILURES] == 1 and 'r' or 'rs'
end

-- read takes in the record of a host.
local function read(name, record)
  local h = record and cmsgpack.unpack(record) or { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
  hosts[name], place[name] = h, where(h)
end

-- load reads records of hosts.
local function load(names)
  for i, record in ipairs(call('HMGET', T .. 'h', unpack(names))) do read(names[i], record) end
end

local function host(name)
  if not hosts[name] then read(name, call('HGET', T .. 'h', name)) end
  return hosts[name]
end

-- touch has a host written back.
local function touch(name)
  if not touched[name] then
    touched[name] = true
    touched[#touched + 1] = name
  end
end

-- finish ends a lease: what is not settled is in line again.
local function finish(name, h)
  local rest = h[LENT] + h[LENT + 1] + h[LENT + 2] + h[LENT + 3]
  if rest > 0 then
    bump('leased', -rest)
    bump('queued', rest)
  end
  if h[PROBATION] == 2 then
    call('HDEL', T .. 'p', h[WORKER])
    h[PROBATION] = 1
  end
  for i = WORKER, TOTAL, -1 do h[i] = nil end
  touch(name)
end

-- What is counted by reason: T:f, T:e:<reason>, T:x

local counts, examples = {}, {}

-- refuse keeps one example of a reason for each call.
local function refuse(reason, n, example)
  counts['refused:' .. reason] = (counts['refused:' .. reason] or 0) + n
  if example ~= '' then examples[reason] = example end
end

local function bury(name, h, element, reason, detail)
  h[DEAD] = h[DEAD] + 1
  bump('dead', 1)
  counts['dead:' .. reason] = (counts['dead:' .. reason] or 0) + 1
  local why = cjson.encode({ host = name, reason = reason, detail = detail, at = now })
  call('RPUSH', T .. 'x', why .. '\0' .. element)
end

-- Elements: see element.go

local TRIED, SITEMAP = 64, 128 -- flags, the highest: with the former the second byte counts tries
local STRIKE, MAX_STRIKES = 64, 3

local function strikes_of(element) return byte(element) % SITEMAP >= TRIED and floor(byte(element, 2) / STRIKE) or 0 end

-- tried counts an attempt at a URL, and strikes of the death of its worker.
local function tried(element, strikes)
  local flags, tries, rest = byte(element), 0, 2
  if flags % SITEMAP >= TRIED then tries, rest = byte(element, 2), 3 else flags = flags + TRIED end
  strikes = min(floor(tries / STRIKE) + strikes, MAX_STRIKES)
  return string.char(flags, min(tries % STRIKE + 1, STRIKE - 1) + STRIKE * strikes) .. sub(element, rest)
end

-- path finds a URL's path, behind flags, tries and varints.
local function path(element)
  local flags, at = byte(element), 2
  local varints = 1 + floor(flags / 16) % 2 + floor(flags / 32) % 2
  if flags % SITEMAP >= TRIED then at = 3 end
  while varints > 0 do
    if byte(element, at) < 128 then varints = varints - 1 end
    at = at + 1
  end
  return sub(element, at, (string.find(element, '\0', at, true) or 0) - 1)
end

-- prime begins to write with a command that needs no memory. Without memory left the server refuses a script whose first
-- write needs some, and no other: so scripts that bring links fail whole, and those that settle and lend go on.
local function prime()
  if m.brings then call('HSET', T .. 'm', 'clk', now) else call('HDEL', T .. 'm', '') end
end

-- pass lets time do its work, a bounded part of it: leases expire, then retries fall due. It tells whether some is left.
local function pass()
  -- cut_off counts the death of a worker against the URLs that it held: an attempt each, and a strike against one that
  -- was lent alone. The third strike is the end of it. No other dies here, so no place in a list moves meanwhile.
  local function cut_off(name, h)
    local strike = h[TOTAL] == 1 and 1 or 0
    for k = 0, 3 do
      for i = 0, h[LENT + k] - 1 do
        local element = tried(call('LINDEX', queue(name, k), i), strike)
        if strikes_of(element) == MAX_STRIKES - 1 then set('suspects', 1) end
        if strikes_of(element) < MAX_STRIKES then
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
  local function expire(name)
    local h = host(name)
    if h[DEADLINE] > now then -- acks extended it
      call('ZADD', T .. 'l', h[DEADLINE], name)
      return
    end
    h[NEXT] = max(h[NEXT], h[DEADLINE] - floor(h[TTL] / 3) + max(m.delay, h[DELAY]))
    cut_off(name, h) -- before finish, which forgets what is lent
    finish(name, h)
    h[PROBATION], h[TOKEN], h[SETTLED] = 1, nil, nil -- no ack fits any more, not even one that is sent again
    bump('reclaimed', 1)
  end

  -- rejoin puts a retry at the end of its line: before it there may be URLs that are lent.
  local function rejoin(member)
    local zero = string.find(member, '\0', 1, true)
    local name, element = sub(member, 1, zero - 1), sub(member, zero + 1)
    local h, k = host(name), byte(element) % 4
    call('ZREM', T .. 'd', member)
    call('RPUSH', queue(name, k), element)
    h[DELAYED], h[LINE + k] = h[DELAYED] - 1, h[LINE + k] + 1
    bump('delayed', -1)
    bump('queued', 1)
    touch(name)
  end

  local function first(key) -- or never
    return tonumber(call('ZRANGE', T .. key, 0, 0, 'WITHSCORES')[2] or 2 ^ 52)
  end

  local v = call('HMGET', T .. 'm', 'grace', 'delay') -- which only this needs
  m.grace, m.delay = m.grace or (v[1] or 0) + 0, (v[2] or 0) + 0
  prime()
  local late = now >= m.grace and call('ZRANGEBYSCORE', T .. 'l', '-inf', now, 'LIMIT', 0, 64) or {}
  if #late > 0 then load(late) end
  for _, name in ipairs(late) do expire(name) end
  if #late == 64 then return true end
  local due = call('ZRANGEBYSCORE', T .. 'd', '-inf', now, 'LIMIT', 0, 256)
  for _, member in ipairs(due) do rejoin(member) end
  set('wake', min(max(first('l'), m.grace), first('d')))
  return #due == 256
end

-- Writing back

-- commit_hosts writes the hosts that were touched, and moves them to where they now belong.
local function commit_hosts()
  if not touched[1] then return end
  local records, gone, come = {}, {}, {}
  for i, name in ipairs(touched) do
    local h = hosts[name]
    local before, after = place[name], where(h)
    records[2 * i - 1], records[2 * i] = name, cmsgpack.pack(h)
    if before ~= after then
      place[name] = after
      if before ~= '' then
        local list = gone[before] or {}
        gone[before], list[#list + 1] = list, name
      end
      if after ~= '' then
        local list, n = come[after] or {}, #(come[after] or '')
        come[after], list[n + 1], list[n + 2] = list, format('%d', after == 'l' and h[DEADLINE] or max(h[NEXT], now)), name
      end
    end
  end
  touched = {}
  for index, names in pairs(gone) do call('ZREM', T .. index, unpack(names)) end
  for index, list in pairs(come) do call('ZADD', T .. index, unpack(list)) end
  call('HSET', T .. 'h', unpack(records))
end

local function commit_reasons()
  for what, n in pairs(counts) do call('HINCRBY', T .. 'f', what, n) end
  for reason, example in pairs(examples) do
    call('LPUSH', T .. 'e:' .. reason, example)
    call('LTRIM', T .. 'e:' .. reason, 0, 99)
  end
  counts, examples = {}, {}
end

-- commit writes back all that was changed, but for seen sets. It may be called more than once.
local function commit()
  commit_hosts()
  if next(counts) then commit_reasons() end
  local fields, n = { 'clk', format('%d', now) }, 2
  for field in pairs(changed) do
    fields[n + 1], fields[n + 2] = field, format('%d', m[field])
    n = n + 2
  end
  changed = {}
  call('HSET', T .. 'm', unpack(fields))
end

-- begin opens the crawl and lets time do its work. When it tells true the script has to end at once, and be called
-- again: it committed what it did.
local function begin(...)
  open(...)
  if now < m.wake then return false end
  local again = pass()
  commit() -- a host taken back can be lent by this very call
  return again
end

-- drained tells whether the crawl is over. It needs max_pages, queued, delayed and dead.
local function drained()
  if m.leased > 0 then return false end
  if m.state == 'stopping' or m.max_pages > 0 and m.done + m.dead >= m.max_pages then return true end
  return m.queued + m.delayed == 0 and call('ZCOUNT', T .. 'hold', '(' .. now, '+inf') == 0
end
