-- run.lua: notes which run of a server has the crawl, if the crawl is there. A restart makes a new run, and so does each
-- promotion, also of a server that was the master before. Cost: O(1).
-- KEYS[1] prefix. ARGV[1] time (not used).
-- Results: the run.
local call, key = redis.call, KEYS[1] .. 'm'
local function about(section, field) return string.match(call('INFO', section), '\n' .. field .. ':(%w+)') or '' end
local run = about('server', 'run_id') .. '-' .. about('replication', 'master_replid')
local v = call('HMGET', key, 'schema', 'run', 'version')
if v[1] and v[2] ~= run then
  local t = call('TIME')
  local version = math.max((v[3] or 0) + 1, t[1] * 1000) -- whoever knew the crawl has to look at it anew
  call('HDEL', key, '') -- needs no memory: without memory left a script can only begin so
  call('HSET', key, 'run', run, 'version', string.format('%d', version))
end
return run
