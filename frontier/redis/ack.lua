-- ack.lua: settles the next URLs of a lease, accepts what was found there, and extends or ends the lease. Sent again it
-- does only what it did not do before. Cost: O(outcomes + links).
-- KEYS[1] prefix. ARGV[1] time, [2] host, [3] token, [4] URLs settled before, [5] verdicts, a digit each, [6] next
-- request in (ms), [7] delay from now on (ms, 0 as it was), [8] 1 to release, [9] 1 when it brings links, then for each
-- outcome: how many arguments follow for it; reason, detail, after (ms), fingerprint, name of the seen set; number of
-- refusals, each reason, count, example; runs of links (see accept).
-- Results: [1] ok, again, lost; or far, verdict: a mistake of the caller. Only ok changed something.
if begin(ARGV[9] == '1') then return { 'again' } end
local name, from, verdicts = ARGV[2], tonumber(ARGV[4]), ARGV[5]
local h = host(name)

-- judge compares the ack with what is settled.
local function judge()
  if h[TOKEN] ~= ARGV[3] then return 'lost' end
  local to = from + #verdicts
  if to <= h[SETTLED] and (from < h[SETTLED] or not h[TOTAL]) then return 'ok' end -- it has all been done
  if not h[TOTAL] then return 'lost' end
  if from > h[SETTLED] or to > h[TOTAL] then return 'far' end
  if find(verdicts, '[^1-4]', h[SETTLED] - from + 1) then return 'verdict' end
end

-- retry puts a URL at the end of its line, now or later.
local function retry(element, k, after)
  bump('retries', 1)
  element = tried(element, 0)
  if after > 0 then
    call('ZADD', T .. 'd', now + after, name .. '\0' .. element)
    h[DELAYED] = h[DELAYED] + 1
  else
    call('RPUSH', queue(name, k), element)
    h[LINE + k] = h[LINE + k] + 1
    bump('queued', 1)
  end
end

-- settle ends the loan of the next URL. Its outcome is in ARGV[i...].
local function settle(verdict, i)
  local k = 0
  while h[LENT + k] == 0 do k = k + 1 end
  local element = call('LPOP', queue(name, k))
  h[LENT + k], h[LINE + k], h[SETTLED] = h[LENT + k] - 1, h[LINE + k] - 1, h[SETTLED] + 1
  h[PROBATION] = 0
  bump('leased', -1)
  if verdict == '1' then
    h[DONE] = h[DONE] + 1
    bump('done', 1)
  elseif verdict == '2' then
    retry(element, k, tonumber(ARGV[i + 2]))
  elseif verdict == '3' then
    bury(name, h, element, ARGV[i], ARGV[i + 1])
  else
    forget(seen(ARGV[i + 4]), ARGV[i + 3])
    h[ACCEPTED] = h[ACCEPTED] - 1
    bump('seen', -1)
    refuse(ARGV[i], 1, name .. path(element))
  end
  for r = i + 6, i + 3 + 3 * ARGV[i + 5], 3 do refuse(ARGV[r], ARGV[r + 1], ARGV[r + 2]) end
  accept(i + 6 + 3 * ARGV[i + 5])
end

local answer = judge()
if not answer then
  if ARGV[9] ~= '1' then prime() end
  local i, skip = 10, h[SETTLED] - from
  for o = 1, #verdicts do
    if o > skip then settle(sub(verdicts, o, o), i + 1) end
    i = i + 1 + ARGV[i]
  end
  h[NEXT] = max(h[NEXT], now + ARGV[6])
  if ARGV[7] ~= '0' then h[DELAY] = tonumber(ARGV[7]) end
  deadline[name] = now + h[TTL]
  touch(name)
  if ARGV[8] == '1' or h[SETTLED] == h[TOTAL] then finish(name, h) end
end
commit()
return { answer or 'ok' }
