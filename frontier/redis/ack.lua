-- ack.lua: settles the next URLs of leases, accepts what was found there, and extends or ends the leases. Several acks go
-- together, for each call of a script costs as much as an ack. Sent again each does only what it did not do before.
-- Cost: O(outcomes + links).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used, [4] number of acks, then for each of them: [1] run of the server
-- for which links were left out, [2] host, [3] token, [4] URLs settled before, [5] verdicts, a digit each, [6] next
-- request in (ms), [7] delay from now on (ms, 0 as it was), [8] twice the FAILURES from
-- now on, or 0 if they are as they were, and 1 more to release, then for each outcome: how many arguments follow for it; reason, detail, after (ms), fingerprint, name of the
-- seen set; number of refusals, each reason, count, example; runs of links (see accept).
-- Results: [1] acks, [2...] a word for each: ok; capped, which is ok too, but a cap may have kept links out; moved, lost;
-- or far, verdict: a mistake of the caller. Only ok and capped changed something. Or [1] again.
if begin(unpack(m.brings and WITH_LINKS or {})) then return { 'again' } end
prime()

-- judge compares an ack with what is settled.
local function judge(h, token, from, verdicts)
  if h[TOKEN] ~= token then return 'lost' end
  local to = from + #verdicts
  -- All done before: whether a cap kept links out is not known any more.
  if to <= h[SETTLED] and (from < h[SETTLED] and to > from or not h[TOTAL]) then return 'capped' end
  -- From beyond: acks of it were lost with a server, so those pages are to be fetched again.
  if not h[TOTAL] or from > h[SETTLED] then return 'lost' end
  if to > h[TOTAL] then return 'far' end
  if string.find(verdicts, '[^1-4]', h[SETTLED] - from + 1) then return 'verdict' end
end

-- part deals with a URL that is not done. Its outcome is in ARGV[i...].
local function part(name, h, verdict, element, k, i)
  local after = tonumber(ARGV[i + 2])
  if verdict == '3' then
    bury(name, h, element, ARGV[i], ARGV[i + 1])
  elseif verdict == '4' then -- such an ack is sent with links.lua, also without links
    forget(seen(ARGV[i + 4]), ARGV[i + 3])
    h[ACCEPTED] = h[ACCEPTED] - 1
    bump('seen', -1)
    refuse(ARGV[i], 1, name .. path(element))
  elseif after > 0 then
    bump('retries', 1)
    call('ZADD', T .. 'd', format('%d', now + after), name .. '\0' .. tried(element, 0))
    set('wake', min(m.wake, now + after))
    h[DELAYED] = h[DELAYED] + 1
    bump('delayed', 1)
  else
    bump('retries', 1)
    call('RPUSH', queue(name, k), tried(element, 0))
    h[LINE + k] = h[LINE + k] + 1
    bump('queued', 1)
  end
end

local popped = {} -- by list

-- settle ends the loan of the next URL. It stays in its list until everything else is done: if a damaged record ends the
-- script before that, no URL is lost.
local function settle(name, h, verdict, i)
  local k = 0
  while h[LENT + k] == 0 do k = k + 1 end
  h[LENT + k], h[LINE + k], h[SETTLED] = h[LENT + k] - 1, h[LINE + k] - 1, h[SETTLED] + 1
  local list = queue(name, k)
  local at = popped[list] or 0
  popped[list] = at + 1
  bump('leased', -1)
  if verdict == '1' then
    h[DONE] = h[DONE] + 1
    bump('done', 1)
  else
    part(name, h, verdict, call('LINDEX', list, at), k, i)
  end
  local refusals = 3 * ARGV[i + 5]
  for r = i + 6, i + 3 + refusals, 3 do refuse(ARGV[r], ARGV[r + 1], ARGV[r + 2]) end
  if m.brings then accept(i + 6 + refusals) end
end

-- ack does one. Its arguments are in ARGV[a...].
local function ack(a, h, skip)
  local name, verdicts = ARGV[a + 1], ARGV[a + 4]
  local i = a + 8
  for o = 1, #verdicts do
    if o > skip then settle(name, h, sub(verdicts, o, o), i + 1) end
    i = i + 1 + ARGV[i]
  end
  h[NEXT] = max(h[NEXT], now + ARGV[a + 5])
  if ARGV[a + 6] ~= '0' then h[DELAY] = tonumber(ARGV[a + 6]) end
  h[DEADLINE] = now + h[TTL]
  touch(name)
  local last = ARGV[a + 7] + 0
  if last >= 2 and skip <= #verdicts then h[FAILURES] = floor(last / 2) end -- or else it was overtaken
  if last % 2 == 1 or h[SETTLED] == h[TOTAL] then finish(name, h) end
  if #verdicts > skip then h[PROBATION] = 0 end
end

local names, places, a = {}, {}, 5
for n = 1, ARGV[4] + 0 do
  names[n], places[n] = ARGV[a + 1], a
  local outcomes = #ARGV[a + 4]
  a = a + 8
  for _ = 1, outcomes do a = a + 1 + ARGV[a] end
end
load(names) -- all of them before anything is written
local words = { 'acks' }
for n, a in ipairs(places) do
  local h, from = hosts[names[n]], ARGV[a + 3] + 0
  local word = ARGV[a] ~= m.run and 'moved' or judge(h, ARGV[a + 2], from, ARGV[a + 4])
  if not word then
    m.capped = h[SETTLED] > from
    ack(a, h, h[SETTLED] - from)
    word = m.capped and 'capped' or 'ok'
  end
  words[n + 1] = word
end
for list, n in pairs(popped) do call('LPOP', list, format('%d', n)) end
commit() -- also when nothing changed: a replica that confirms this write has those of the calls that it repeats
if m.brings then commit_seen() end
return words
