-- ack.lua: settles the next URLs of a lease, accepts what was found there, and extends or ends the lease. Sent again it
-- does only what it did not do before. Cost: O(outcomes + links).
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] run of the server for which links were left out, or empty, [4] host,
-- [5] token, [6] URLs settled before, [7] verdicts, a digit each, [8] next request in (ms), [9] delay from now on (ms, 0
-- as it was), [10] 1 to release, [11] 1 when it brings links, then for each outcome: how many arguments follow for it;
-- reason, detail, after (ms), fingerprint, name of the seen set; number of refusals, each reason, count, example; runs
-- of links (see accept).
-- Results: [1] ok, [2] 1 if a cap may have kept links out; again, moved, lost; or far, verdict: a mistake of the caller.
-- Only ok changed something.
local links = ARGV[11] == '1'
if begin(unpack(links and WITH_LINKS or {})) then return { 'again' } end
if ARGV[3] ~= '' and ARGV[3] ~= m.run then return { 'moved' } end
local name, from, verdicts = ARGV[4], tonumber(ARGV[6]), ARGV[7]
local h = host(name)
local popped = { 0, 0, 0, 0 }

-- judge compares the ack with what is settled.
local function judge()
  if h[TOKEN] ~= ARGV[5] then return 'lost' end
  local to = from + #verdicts
  if to <= h[SETTLED] and (from < h[SETTLED] or not h[TOTAL]) then return 'ok' end -- it has all been done
  if not h[TOTAL] then return 'lost' end
  if from > h[SETTLED] then return 'lost' end -- acks of it were lost with a server; who fetched those pages goes on with others
  if to > h[TOTAL] then return 'far' end
  if string.find(verdicts, '[^1-4]', h[SETTLED] - from + 1) then return 'verdict' end
end

-- part deals with a URL that is not done. Its outcome is in ARGV[i...].
local function part(verdict, element, k, i)
  local after = tonumber(ARGV[i + 2])
  if verdict == '3' then
    bury(name, h, element, ARGV[i], ARGV[i + 1])
  elseif verdict == '4' then
    forget(seen(ARGV[i + 4]), ARGV[i + 3])
    h[ACCEPTED] = h[ACCEPTED] - 1
    bump('seen', -1)
    refuse(ARGV[i], 1, name .. path(element))
  elseif after > 0 then
    bump('retries', 1)
    call('ZADD', T .. 'd', now + after, name .. '\0' .. tried(element, 0))
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

-- settle ends the loan of the next URL. It stays at the head of its list until all that may need memory is done.
local function settle(verdict, i)
  local k = 0
  while h[LENT + k] == 0 do k = k + 1 end
  h[LENT + k], h[LINE + k], h[SETTLED] = h[LENT + k] - 1, h[LINE + k] - 1, h[SETTLED] + 1
  popped[k + 1] = popped[k + 1] + 1
  if verdict == '1' then
    h[DONE] = h[DONE] + 1
    bump('done', 1)
  else
    part(verdict, call('LINDEX', queue(name, k), popped[k + 1] - 1), k, i)
  end
  for r = i + 6, i + 3 + 3 * ARGV[i + 5], 3 do refuse(ARGV[r], ARGV[r + 1], ARGV[r + 2]) end
  if links then accept(i + 6 + 3 * ARGV[i + 5]) end
end

if not links then prime() end
local answer = judge()
if answer then
  commit() -- a replica that confirms this write has those of the call that this repeats, too
  return { answer, 1 } -- whether a cap kept links out is not known any more
end
local i, skip = 12, h[SETTLED] - from
for o = 1, #verdicts do
  if o > skip then settle(sub(verdicts, o, o), i + 1) end
  i = i + 1 + ARGV[i]
end
for k = 1, 4 do
  if popped[k] > 0 then
    call('LPOP', queue(name, k - 1), format('%d', popped[k]))
    bump('leased', -popped[k])
  end
end
h[NEXT] = max(h[NEXT], now + ARGV[8])
if ARGV[9] ~= '0' then h[DELAY] = tonumber(ARGV[9]) end
h[DEADLINE] = now + h[TTL]
touch(name)
if ARGV[10] == '1' or h[SETTLED] == h[TOTAL] then finish(name, h) end
if #verdicts > skip then h[PROBATION] = 0 end
commit()
if links then commit_seen() end
return { 'ok', skip > 0 and 1 or m.capped }
