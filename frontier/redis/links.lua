-- links.lua: accepting links. Go puts it between lib.lua and the scripts that bring some.

local WITH_LINKS = { 'queued', 'seen', 'max_host_pages', 'max_host_queue', 'imported', 'version' } -- what they need to know of the crawl
m.brings = true

-- The seen set: T:s, T:s:<host>:<b>

-- A small set is a string, SMALL times WIDTH bytes at most. A larger one is spread over sets of integers by linear
-- hashing; its field says '!<buckets>:<count>', and ! is more than the first byte of a fingerprint of 53 bits.
local SMALL, WIDTH, LOAD = 16, 7, 96

local sets = {} -- by name, those that were read

local function seen(name)
  local s = sets[name]
  if s then return s end
  s = { name = name, small = call('HGET', T .. 's', name) or '' }
  if byte(s.small) == 33 then
    local buckets, n = string.match(s.small, '!(%d+):(%d+)')
    s = { name = name, buckets = tonumber(buckets), count = tonumber(n), size = 1 }
    while s.size < s.buckets do s.size = s.size * 2 end
  end
  sets[name] = s
  return s
end

local function bucket(s, b)
  s.key = s.key or T .. 's:' .. s.name .. ':'
  return s.key .. format('%d', b)
end

-- members are the fingerprints of a small set, as numbers.
local function members(s)
  local list = { struct.unpack(string.rep('>I7', #s.small / WIDTH), s.small) }
  list[#list] = nil -- where it ended
  return list
end

-- bucket_of tells which bucket has a fingerprint.
local function bucket_of(s, fp)
  local b = fp % s.size
  return bucket(s, b < s.buckets and b or b - s.size / 2)
end

-- spread sorts fingerprints into lists by bucket. A list says in at where in fps each one was.
local function spread(s, fps)
  local lists = {}
  for i, fp in ipairs(fps) do
    local b = fp % s.size
    if b >= s.buckets then b = b - s.size / 2 end
    local list = lists[b]
    if not list then
      list = { at = {} }
      lists[b] = list
    end
    list[#list + 1], list.at[#list + 1] = fp, i
  end
  return lists
end

-- known tells of n fingerprints, from ARGV[i], which are in the set: by false, nil or 0 that they are not.
local function known(s, i, n)
  if s.small == '' then return {} end
  if s.buckets == 1 then return call('SMISMEMBER', bucket(s, 0), unpack(ARGV, i, i + n - 1)) end
  local is = {}
  if s.small then
    local has = {}
    for _, fp in ipairs(members(s)) do has[fp] = true end
    for j = 1, n do is[j] = has[tonumber(ARGV[i + j - 1])] end
    return is
  end
  if s.buckets > 2 * n then -- nearly each is in a bucket of its own
    for j = 1, n do
      local fp = ARGV[i + j - 1]
      is[j] = call('SISMEMBER', bucket_of(s, fp), fp)
    end
    return is
  end
  for b, list in pairs(spread(s, { unpack(ARGV, i, i + n - 1) })) do
    for j, found in ipairs(call('SMISMEMBER', bucket(s, b), unpack(list))) do is[list.at[j]] = found end
  end
  return is
end

-- crowded tells whether one more bucket is to be split. A round of splits, which doubles the number of buckets, begins
-- when they have 3 LOAD members each, on average, and ends at 4 LOAD: none ever has many more than that. A bucket costs
-- as much memory as 15 members, so they are split late, and then quickly.
local function crowded(s)
  local round = s.size == s.buckets and s.size or s.size / 2
  return s.count > 2 * LOAD * round + LOAD * s.buckets
end

-- split moves about half of a bucket into a new one.
local function split(s)
  if s.size == s.buckets then s.size = s.size * 2 end
  local new, old = s.buckets, s.buckets - s.size / 2
  local go, stay = {}, {}
  for _, fp in ipairs(call('SMEMBERS', bucket(s, old))) do
    local list = fp % s.size == new and go or stay
    list[#list + 1] = fp
  end
  call('DEL', bucket(s, old))
  if #stay > 0 then call('SADD', bucket(s, old), unpack(stay)) end
  if #go > 0 then call('SADD', bucket(s, new), unpack(go)) end
  s.buckets = new + 1
end

-- remember adds fingerprints that are not in the set. Buckets are split before they are filled: a set of integers that
-- once had more than 512 members would be a hash table for ever.
local function remember(s, fps)
  s.changed = true
  if s.small and #s.small / WIDTH + #fps <= SMALL then
    for _, fp in ipairs(fps) do s.small = s.small .. struct.pack('>I7', fp) end
    return
  end
  if s.small then
    for _, fp in ipairs(members(s)) do fps[#fps + 1] = fp end
    s.small, s.buckets, s.size, s.count = nil, 1, 1, 0
  end
  s.count = s.count + #fps
  if crowded(s) then prime() end -- splitting begins with a DEL
  while crowded(s) do split(s) end
  if s.buckets == 1 then
    call('SADD', bucket(s, 0), unpack(fps))
    return
  elseif s.buckets > 2 * #fps then
    for _, fp in ipairs(fps) do call('SADD', bucket_of(s, fp), fp) end
    return
  end
  for b, list in pairs(spread(s, fps)) do call('SADD', bucket(s, b), unpack(list)) end
end

-- forget removes one, also from among those that were imported.
local function forget(s, fp)
  s.changed = true
  if s.name ~= '' and m.imported == 1 then forget(seen(''), fp) end
  if s.small then
    local left = {}
    for _, other in ipairs(members(s)) do
      if other ~= tonumber(fp) then left[#left + 1] = struct.pack('>I7', other) end
    end
    s.small = table.concat(left)
    return
  end
  for b in pairs(spread(s, { fp })) do s.count = s.count - call('SREM', bucket(s, b), fp) end
end

-- commit_seen writes the fields of seen sets that changed. Their buckets were written at once.
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

-- Accepting links

-- over_cap tells which cap keeps one more URL out, after n new ones that are not counted yet: max-host-pages, if both do. A
-- quarter of the queue is for those of the first priority (Policy.QueueRoom).
local function over_cap(h, n, priority)
  if m.max_host_pages > 0 and h[ACCEPTED] + n >= m.max_host_pages then return 'max-host-pages' end
  local room = m.max_host_queue
  if priority > 0 then room = room - math.floor(room / 4) end
  if room > 0 and in_line(h) + h[DELAYED] + n >= room then return 'max-host-queue' end
end

-- enqueue appends new URLs, given by their elements, to a host's lists.
local function enqueue(name, h, elements)
  local lines, seeds = {}, {}
  for _, element in ipairs(elements) do
    local flags = byte(element)
    local k = flags % 4
    local line = lines[k]
    if line then line[#line + 1] = element else lines[k] = { element } end
    if flags % 8 >= 4 then seeds[#seeds + 1] = name .. '\0' .. element end
  end
  for k, line in pairs(lines) do
    call('RPUSH', queue(name, k), unpack(line))
    h[LINE + k] = h[LINE + k] + #line
  end
  if seeds[1] then
    call('RPUSH', T .. 'seeds', unpack(seeds))
    set('version', max(m.version + 1, now)) -- see set.lua
  end
  touch(name)
end

-- accept_run accepts URLs of one host. From ARGV[i]: host, name of its seen set, n, n fingerprints, n elements. It returns
-- how many were new.
local function accept_run(i, n)
  local name, s, h = ARGV[i], seen(ARGV[i + 1])
  local is = known(s, i + 3, n)
  local was = m.imported == 1 and known(seen(''), i + 3, n) or {}
  local fresh, elements, here = {}, {}, {} -- here: a page can name a URL twice
  for j = 1, n do
    local fp = ARGV[i + 2 + j]
    if (is[j] or 0) == 0 and (was[j] or 0) == 0 and not here[fp] then
      local element = ARGV[i + 2 + n + j]
      h = h or host(name)
      local capped = over_cap(h, #fresh, byte(element) % 4)
      if capped then
        m.capped = true
        refuse(capped, 1, name .. path(element))
      else
        here[fp] = true
        fresh[#fresh + 1], elements[#elements + 1] = fp, element
      end
    end
  end
  local added = #fresh
  if added > 0 then
    h[ACCEPTED] = h[ACCEPTED] + added
    bump('seen', added)
    bump('queued', added)
    remember(s, fresh)
    enqueue(name, h, elements)
  end
  return added
end

-- accept accepts runs. From ARGV[i]: their number, then each one. It returns how many URLs were new.
local function accept(i)
  local runs, added = tonumber(ARGV[i]), 0
  i = i + 1
  for _ = 1, runs do
    local n = tonumber(ARGV[i + 2])
    added = added + accept_run(i, n)
    i = i + 3 + 2 * n
  end
  return added
end
