-- Charges the buckets of a few stages, one after the other; of each stage all, or none. The transitions are those of
-- `portcullis::limit`, to the last integer: every number here is below 2^53, and a product that could exceed that is worked
-- out by `muldiv`.
--
-- KEYS     the buckets, stage by stage
-- ARGV[1]  the terms that the stages speak of, packed as `wire.rs` does
-- ARGV[2]  the stages, packed as well
-- ARGV[3]  '1' where they go by the server's clock
-- returns  the server's time (0 where it wasn't asked) and how many states were unreadable and counted as none; then for each
--          stage its outcomes: packed as `wire.rs` reads them
--
-- A state is a tag for the algorithm and its entries, packed, the times and periods in microseconds:
--   F  period, start, count            S  period, start, previous, current       T  period, full at, fraction
--   L  moment, cost (oldest first)     C  moment (oldest first)
--
-- Most charges are by one rate of a window or a token bucket: for them no table is made, and what only the others need is
-- defined when one comes. All states are read at once, and each is written once, at the end.

local pack, unpack, sub, call = struct.pack, struct.unpack, string.sub, redis.call
local floor = math.floor

local SKEW = 60000000
local MOST = 4294967295
local LONGEST_LEASE = 10000000
local LATEST = 8000000000000000
local LATEST_STORED = LATEST + 2 * 366 * 86400000000

-- floor(a * b / c) and the remainder, for a < 2^32, b < 2^46 and c < 2^46: in digits of seven bits where the product is large.
local function muldiv(a, b, c)
  local product = a * b
  if product < 4503599627370496 then
    local quotient = floor(product / c)
    return quotient, product - quotient * c
  end
  local fmod = math.fmod
  local low = fmod(b, c)
  local quotient, rest = 0, 0
  for shift = 28, 0, -7 do
    local part = rest * 128 + fmod(floor(a / 2 ^ shift), 128) * low
    rest = fmod(part, c)
    quotient = quotient * 128 + (part - rest) / c
  end
  return quotient + a * ((b - low) / c), rest
end

-- A moment's distance to the beginning of its window.
local function since_start(at, period)
  return at - floor(at / period) * period
end

local function clock(newest, now, period)
  if newest > now and newest <= now + period + SKEW then return newest end
  return now
end

