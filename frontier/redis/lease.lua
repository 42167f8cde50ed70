-- lease.lua: lends hosts that are due, those first that have waited longest. Cost: O(hosts x log hosts + URLs lent).
-- KEYS[1] prefix. ARGV[1] time, [2] worker, [3] id of the request or empty, [4] most hosts, [5] most URLs of each,
-- [6] ttl (ms), [7] nonce.
-- Results: [1] ok, [2...] leases, each host, token, ttl (ms), delay (ms), settled, list of elements; or [1] none,
-- [2] ms until it is worth to ask again; or [1] again, drained.
if begin(false) then return { 'again' } end
local most, batch, ttl = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local asked = ARGV[3] ~= '' and ARGV[2] .. '\0' .. ARGV[3] or ''

-- credit is how many URLs may be lent: those that are lent may all be settled, so max-pages counts them.
local function credit()
  if m.state ~= 'running' then return 0 end
  return m.max_pages > 0 and m.max_pages - m.done - m.dead - m.leased or batch
end

local function grant(name)
  local h = host(name)
  local n = min(batch, credit(), h[PROBATION] == 1 and 1 or batch, in_line(h))
  m.tok = max(m.tok + 1, now)
  changed.tok = true
  h[TOKEN], h[SETTLED] = string.format('%.0f.', m.tok) .. ARGV[7], 0
  h[TOTAL], h[TTL], h[ASKED] = n, ttl, asked
  bump('queued', -n)
  bump('leased', n)
  for k = 0, 3 do
    h[LENT + k] = min(n, h[LINE + k])
    n = n - h[LENT + k]
  end
  deadline[name] = now + ttl
  touch(name)
end

local function show(name)
  local h, items = host(name), {}
  for k = 0, 3 do
    if h[LENT + k] > 0 then
      for _, element in ipairs(call('LRANGE', queue(name, k), 0, h[LENT + k] - 1)) do items[#items + 1] = element end
    end
  end
  return { name, h[TOKEN], h[TTL], pace(h), h[SETTLED], items }
end

-- wait is how long nothing can become due, at most a second: others may push meanwhile.
local function wait()
  local at = now + 1000
  local function first(key, from)
    local next = call('ZRANGEBYSCORE', T .. key, from, at, 'WITHSCORES', 'LIMIT', 0, 1)
    if next[2] then at = max(now + 1, tonumber(next[2])) end
  end
  if credit() > 0 then first('r', '-inf') end
  first('l', '-inf')
  first('d', '-inf')
  first('hold', '(' .. clock)
  return at - now
end

prime()
local names = {}
local before = asked ~= '' and call('HGET', T .. 'a', asked)
if before then
  for name in string.gmatch(before, '[^ ]+') do names[#names + 1] = name end
elseif credit() > 0 then
  for _, name in ipairs(call('ZRANGEBYSCORE', T .. 'r', '-inf', clock, 'LIMIT', 0, most)) do
    if credit() <= 0 then break end
    grant(name)
    names[#names + 1] = name
  end
  if asked ~= '' and #names > 0 then call('HSET', T .. 'a', asked, table.concat(names, ' ')) end
end
commit()
if #names == 0 then
  return drained() and { 'drained' } or { 'none', wait() }
end
local reply = { 'ok' }
for _, name in ipairs(names) do reply[#reply + 1] = show(name) end
return reply
