-- Changes of one partition, one after another. ARGV: offset, number of changes; for each: its id,
-- number of words that follow, and its lines: a letter, the place of its record in KEYS, and what
-- the letter needs.

local records = {}

-- Makes a line; gives back its number of words.
local function make(r, i, id)
  local letter, word, other = ARGV[i], ARGV[i + 2], ARGV[i + 3]
  if letter == 'X' or letter == 'E' then
    if r.stale or (letter == 'X' and r.there) then remove(r) end
    return 2
  elseif letter == 'D' then
    if r.there then call('HDEL', r.at, word) end
    return 3
  elseif letter == 'M' then
    if not deliver(r, word, other, ARGV[i + 4]) then r.dropped = true end
    return 5
  elseif letter == 'A' or (letter == 'L' and not r.there) then
    return 2
  elseif letter == 'H' or letter == 'V' or letter == 'N' or letter == 'O' then
    return 3
  end
  if r.stale then remove(r) end
  if not r.there then
    r.there = true
    set(r, 'c', digits(now))
    set(r, 'n', 0)
    list(r, '', true, true)
  end
  if letter == 'R' then
    call('HSET', r.at, word, other)
    return 4
  elseif letter == 'C' then
    if call('HEXISTS', r.at, word) == 0 then
      call('HSET', r.at, 'k', (call('HGET', r.at, 'k') or '') .. sub(word, 3) .. SEP)
    end
    call('HINCRBY', r.at, word, other)
    return 5
  end
  set(r, 'n', r.n + 1)
  set(r, 'l', id)
  if letter == 'P' then
    put(r, word, other, ARGV[i + 4])
    return 5
  elseif letter == 'Q' then
    local due = tonumber(ARGV[i + 4])
    enqueue(r, word, other, digits(due > now and due or now), ARGV[i + 5], ARGV[i + 6])
    return 7
  end
  out(r)
  return 2
end

local reply, i = {now}, 3
for change = 1, tonumber(ARGV[2]) do
  local id, from = ARGV[i], i + 2
  local stop = from + ARGV[i + 1]
  local line, seen, sums, outcome = 0, {}, {}, nil
  i = from
  -- guards see the records as they were before the change
  while i < stop do
    local place = tonumber(ARGV[i + 1])
    local r = records[place] or load(place)
    records[place] = r
    local holds, words = judge(r, i, id, sums)
    if not holds then
      outcome = {0, line, r.there
        and call('HMGET', r.at, 'n', 'm', 'l', 'v', 't', 'c', 'x', 'q', 'g', 'a') or {}}
      break
    end
    if r.change ~= change then
      r.change, r.dropped = change, false
      seen[#seen + 1] = r
    end
    line, i = line + 1, i + words
  end
  if not outcome then
    i = from
    while i < stop do
      i = i + make(records[tonumber(ARGV[i + 1])], i, id)
    end
    outcome = {1}
    for _, r in ipairs(seen) do
      save(r)
      local last = #outcome
      outcome[last + 1], outcome[last + 2], outcome[last + 3] = r.n, r.m, r.dropped and 0 or 1
      outcome[last + 4] = r.g or ''
    end
    flush()
  end
  reply[change + 1], i = outcome, stop
end
return reply
