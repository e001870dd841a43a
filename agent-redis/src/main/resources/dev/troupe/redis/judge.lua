-- Guards.

local add

-- Whether a line holds, and its number of words.
local function judge(r, i, id, sums)
  local letter, word = ARGV[i], ARGV[i + 2]
  if letter == 'H' then
    return r.there and r.g == word, 3
  elseif letter == 'P' or letter == 'Q' or letter == 'L' then
    -- what raises a version is refused when the same change has raised it last
    return not r.there or r.l ~= id, letter == 'P' and 5 or letter == 'Q' and 7 or 2
  elseif letter == 'R' then
    return true, 4
  elseif letter == 'D' then
    return true, 3
  elseif letter == 'M' then
    return true, 5
  elseif letter == 'A' then
    return not r.there, 2
  elseif letter == 'V' then
    return r.there and string.format('%.0f', r.n) == word, 3
  elseif letter == 'N' then
    return not r.there or r.m <= tonumber(word), 3
  elseif letter == 'O' then
    return not (r.there and call('HEXISTS', r.at, word) == 1), 3
  elseif letter == 'C' then
    add = add or summing()
    local name = r.key .. SEP .. word
    local start = r.there and call('HGET', r.at, word) or '0'
    local holds
    sums[name], holds = add(sums[name], start, ARGV[i + 3], ARGV[i + 4])
    return holds, 5
  end
  return true, 2
end

