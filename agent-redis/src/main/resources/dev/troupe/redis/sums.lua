-- Counters have all 64 bits, numbers of Lua only 53, so sums are made in two halves. The functions
-- for that are made where a change adds.

local function summing()
  local BASE = 1000000000
  local LEAST, MOST = {-9223372037, 145224192}, {9223372036, 854775807} -- -2^63 and 2^63 - 1

  local function wide(text)
    local sign, number = match(text, '^(%-?)(%d+)$')
    local high, low = tonumber(sub(number, 1, -10)) or 0, tonumber(sub(number, -9))
    if sign == '-' then
      high, low = -high, -low
      if low < 0 then
        high, low = high - 1, low + BASE
      end
    end
    return {high, low}
  end

  local function atLeast(a, b)
    return a[1] > b[1] or (a[1] == b[1] and a[2] >= b[2])
  end

  -- The sum, and whether it is allowed.
  return function(before, start, delta, least)
    local a, b = before or wide(start), wide(delta)
    local sum = {a[1] + b[1], a[2] + b[2]}
    if sum[2] >= BASE then
      sum = {sum[1] + 1, sum[2] - BASE}
    end
    return sum, atLeast(sum, LEAST) and atLeast(MOST, sum) and atLeast(sum, wide(least))
  end
end
