-- mend.lua: puts one thing right, in a crawl at rest. Cost: O(1) for most.
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used, [4] what to do, [5] and more:
-- host: [5] its name, [6] its record as it was read, [7] 1 if that cannot be read, URLs [8] delayed, [9] dead and, if it
--   cannot be read, [10] done: counts it anew from its lists, ends its lease, and puts it into the index where it belongs;
-- drop: [5] list, zset or hash, [6] key without prefix, [7] what to remove from it; or key, [6] which one to remove whole;
-- set: [5] name of a seen set, [6] its field in T:s from now on, or empty;
-- scatter: [5] name of a seen set, [6] one of its buckets: puts what is in there where it belongs;
-- totals: [5] number of counts, [6...] each with what it is, then counts and what they are from now on.
-- Results: ok, or moved: it changed since it was read.
open('queued', 'delayed', 'dead', 'max_pages')
if m.state == 'running' and not drained() then return 'moved' end
prime()
local what, name = ARGV[4], ARGV[5]
local do_ = {}

function do_.host()
  if (call('HGET', T .. 'h', name) or '') ~= ARGV[6] then return 'moved' end
  if ARGV[7] == '1' then
    hosts[name] = { 0, 0, 0, tonumber(ARGV[10]), 0, 0, 0, 0, 0, 0, 0, 0 }
  else
    load({ name })
  end
  local h = hosts[name]
  if h[WORKER] and h[DEADLINE] > now then return 'moved' end
  if h[WORKER] then call('HDEL', T .. 'p', h[WORKER]) end
  for i = WORKER, TOKEN, -1 do h[i] = nil end
  for k = 0, 3 do h[LINE + k] = call('LLEN', queue(name, k)) end
  h[DELAYED], h[DEAD], h[PROBATION] = tonumber(ARGV[8]), tonumber(ARGV[9]), min(h[PROBATION], 1)
  h[ACCEPTED] = in_line(h) + h[DELAYED] + h[DONE] + h[DEAD]
  call('ZREM', T .. 'r', name)
  call('ZREM', T .. 'rs', name)
  call('ZREM', T .. 'l', name)
  place[name] = ''
  touch(name)
  commit()
end

function do_.drop()
  local key = T .. ARGV[6]
  if name == 'key' then
    call('UNLINK', key)
  elseif name == 'list' then
    call('LREM', key, 1, ARGV[7])
  else
    call(name == 'zset' and 'ZREM' or 'HDEL', key, ARGV[7])
  end
end

function do_.set()
  if ARGV[6] == '' then call('HDEL', T .. 's', name) else call('HSET', T .. 's', name, ARGV[6]) end
end

function do_.scatter()
  local s, key, list = seen(name), T .. 's:' .. name .. ':' .. ARGV[6], {}
  for _, member in ipairs(call('SMEMBERS', key)) do
    local fp = tonumber(member) or -1
    if fp >= 0 and fp % 1 == 0 and fp < 2 ^ 53 then list[#list + 1] = string.format('%.0f', fp) end
  end
  call('DEL', key)
  for b, part in pairs(spread(s, list)) do
    for i = 1, #part, 500 do call('SADD', bucket(s, b), unpack(part, i, min(i + 499, #part))) end
  end
end

function do_.totals()
  local n = tonumber(name)
  for i = 6, 5 + 2 * n, 2 do
    if (call('HGET', T .. 'm', ARGV[i]) or '') ~= ARGV[i + 1] then return 'moved' end
  end
  for _, reason in ipairs(call('HKEYS', T .. 'f')) do
    if sub(reason, 1, 5) == 'dead:' then call('HDEL', T .. 'f', reason) end
  end
  for i = 6 + 2 * n, #ARGV, 2 do
    call('HSET', T .. (sub(ARGV[i], 1, 5) == 'dead:' and 'f' or 'm'), ARGV[i], ARGV[i + 1])
  end
end

return do_[what]() or 'ok'
