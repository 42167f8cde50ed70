-- lease.lua: lends hosts that are due, of either line those first that have waited longest. Cost: O(hosts x log hosts + URLs lent).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used, [4] worker, [5] id of the request or empty, [6] most hosts,
-- [7] most URLs of each, [8] ttl (ms), [9] nonce, which is the request's own.
-- Results: [1] ok, [2] version of the crawl, [3...] leases, each host, token, ttl (ms), delay (ms), settled, list of
-- elements, failures in a row; or [1] none, [2] ms until it is worth to ask again; or [1] again, drained.
if begin('delay', 'queued', 'delayed', 'dead', 'tok', 'max_pages', 'version', 'suspects', 'turn') then return { 'again' } end
local worker, most, batch, ttl, nonce = ARGV[4], tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), '.' .. ARGV[9]
local skipped = { r = 0, rs = 0 } -- how many of each line

-- credit is how many URLs may be lent: those that are lent may all be settled, so max-pages counts them.
local function credit()
  if m.state ~= 'running' then return 0 end
  return m.max_pages > 0 and min(batch, m.max_pages - m.done - m.dead - m.leased) or batch
end

-- try tells how many of a host's next URLs can be lent together. One that two workers died of is lent alone, and to a
-- worker that holds no other such: its death then blames nobody else.
local function try(name, h, items)
  if m.suspects == 0 then return #items end -- there never was one
  for i = 1, #items do
    local element = items[i]
    if byte(element) % SITEMAP >= TRIED and strikes_of(element) == MAX_STRIKES - 1 then
      if i > 1 then return i - 1 end
      if call('HSETNX', T .. 'p', worker, name) == 0 then return 0 end
      h[PROBATION] = 2
      return 1
    end
  end
  return #items
end

-- heads lists up to n URLs of a host, by priority: of those in line or of those that are lent, which are the first of them.
local function heads(name, h, lengths, n)
  local items
  for k = 0, 3 do
    if n > 0 and h[lengths + k] > 0 then
      local list = call('LRANGE', queue(name, k), '0', format('%d', min(n, h[lengths + k]) - 1))
      n = n - #list
      if not items then items = list else for _, element in ipairs(list) do items[#items + 1] = element end end
    end
  end
  return items
end

local names, items = {}, {} -- of the hosts that are lent
local turn = m.turn         -- 1 when a stranger goes first

-- grant lends a host that is due, unless its first URL is to wait. What is counted it changes in m alone: lend writes it.
local function grant(name, line, left)
  local h = hosts[name]
  local n = min(left, h[PROBATION] > 0 and 1 or batch)
  local list = heads(name, h, LINE, n)
  n = try(name, h, list)
  if n == 0 then
    skipped[line] = skipped[line] + 1
    return
  end
  for i = #list, n + 1, -1 do list[i] = nil end
  names[#names + 1], items[#items + 1], touched[#touched + 1] = name, list, name
  turn = line == 'r' and 1 or 0
  m.tok = max(m.tok + 1, now)
  m.queued, m.leased = m.queued - n, m.leased + n
  local a = min(n, h[LINE])
  local b = min(n - a, h[LINE + 1])
  local c = min(n - a - b, h[LINE + 2])
  hosts[name] = { -- a new one, made at its full length: the old one would grow step by step
    h[NEXT], h[DELAY], h[ACCEPTED], h[DONE], h[DEAD], h[DELAYED], h[PROBATION],
    h[LINE], h[LINE + 1], h[LINE + 2], h[LINE + 3], h[FAILURES], format('%d', m.tok) .. nonce, 0, -- TOKEN, SETTLED
    n, ttl, a, b, c, n - a - b - c, now + ttl, worker, -- TOTAL, TTL, LENT, DEADLINE, WORKER
  }
end

-- show is a lease as the caller reads it. Of one that was lent before it has what is not settled yet.
local function show(name, list)
  local h = hosts[name]
  return { name, h[TOKEN], h[TTL], max(m.delay, h[DELAY]), h[SETTLED], list or heads(name, h, LENT, h[TOTAL]), h[FAILURES] - 1 }
end

-- wait is how long nothing can become due, at most a second: others may push meanwhile.
local function wait()
  local at = min(now + 1000, max(now + 1, m.wake))
  local function first(key, from)
    local next = call('ZRANGEBYSCORE', T .. key, from, at, 'WITHSCORES', 'LIMIT', 0, 1)
    if next[2] then at = max(now + 1, tonumber(next[2])) end
  end
  if credit() > 0 then -- what was skipped is due, for others
    for line, n in pairs(skipped) do first(line, n == 0 and '-inf' or '(' .. now) end
  end
  first('hold', '(' .. now)
  return at - now
end

-- due lists up to n hosts that are due, and the line of each: by turns one that answered the last time and a stranger.
-- There can be any number of either, and a few of the others are not to wait for all of them.
local function due(n)
  local function first(line)
    return call('ZRANGEBYSCORE', T .. line, '-inf', now, 'LIMIT', skipped[line], n)
  end
  local known, strangers, list, lines, i, j, turn = first('r'), first('rs'), {}, {}, 1, 1, m.turn
  while #list < n and (known[i] or strangers[j]) do
    if known[i] and (turn == 0 or not strangers[j]) then
      list[#list + 1], lines[#lines + 1], i, turn = known[i], 'r', i + 1, 1
    else
      list[#list + 1], lines[#lines + 1], j, turn = strangers[j], 'rs', j + 1, 0
    end
  end
  return list, lines, known[1] and strangers[1]
end

-- lend lends what is due.
local function lend()
  prime()
  while #names < most and credit() > 0 do
    local list, lines, both = due(most - #names)
    if #list == 0 then break end
    load(list)
    for i, name in ipairs(list) do
      local left = credit()
      if left <= 0 then break end
      grant(name, lines[i], left)
    end
    if both and turn ~= m.turn then set('turn', turn) end
    commit_hosts()
  end
  if #names == 0 then return end
  changed.tok, changed.queued, changed.leased = true, true, true
  set('wake', min(m.wake, now + ttl))
  set('ttl', max(m.ttl, min(ttl, MAX_GRACE)))
  if ARGV[5] ~= '' then call('HSET', T .. 'a', worker, ARGV[5] .. ' ' .. table.concat(names, ' ')) end
end

-- again finds what is left of the leases that answered this request before. Their tokens have its nonce: the host may have
-- come back meanwhile, and be lent to the same worker by another request.
local function again()
  local before = ARGV[5] ~= '' and call('HGET', T .. 'a', worker) or ''
  if sub(before, 1, #ARGV[5] + 1) ~= ARGV[5] .. ' ' then return end
  for name in string.gmatch(sub(before, #ARGV[5] + 2), '[^ ]+') do
    local h = host(name)
    if h[TOTAL] and h[WORKER] == worker and sub(h[TOKEN], -#nonce) == nonce then names[#names + 1] = name end
  end
end

again()
if #names == 0 then lend() else prime() end
commit()
if #names == 0 then
  return drained() and { 'drained' } or { 'none', wait() }
end
local reply = { 'ok', m.version }
for i, name in ipairs(names) do reply[i + 2] = show(name, items[i]) end
return reply
