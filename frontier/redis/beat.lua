-- beat.lua: notes that a worker lives, or ended. Cost: O(1); O(workers) when one is new.
-- KEYS[1] prefix. ARGV[1] time, [2] crawl, [3] not used, [4] name, [5] what it tells of itself, or empty when it ended.
-- Results: the version of the crawl.
open('version')
prime()
if ARGV[5] == '' then
  call('HDEL', T .. 'w', ARGV[4])
  call('HDEL', T .. 'a', ARGV[4])
elseif call('HSET', T .. 'w', ARGV[4], string.format('%.0f ', now) .. ARGV[5]) == 1 then
  local all = call('HGETALL', T .. 'w')
  for i = 1, #all, 2 do -- those that were not heard of for an hour
    if tonumber(string.match(all[i + 1], '^%d+')) < now - 3600000 then
      call('HDEL', T .. 'w', all[i])
      call('HDEL', T .. 'a', all[i])
    end
  end
end
commit()
return m.version
