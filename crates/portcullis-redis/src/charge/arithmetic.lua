-- Charges the buckets of several stages, one after the other. Of each stage, all charges are made or none. The transitions are those
-- of `portcullis::limit`, to the last integer: every number is below 2^53, and `muldiv` computes products that could exceed that.
--
-- KEYS     the buckets, stage by stage
-- ARGV[1]  the terms of the stages, packed as in `wire.rs`
-- ARGV[2]  the stages, packed as in `wire.rs`
-- ARGV[3]  '1' if they use the server's clock
-- returns  the server's time (0 if it isn't used) and the number of unreadable states, which were treated as empty; then the outcomes of
--          each stage, packed as in `wire.rs`
--
-- A state is a tag for the algorithm and its entries, packed, the times and periods in microseconds:
--   F  period, start, count            S  period, start, previous, current       T  period, full at, fraction
--   L  moment, cost (oldest first)     C  moment (oldest first)
--
-- Most charges are by one rate of a window or a token bucket. They create no table: their functions return positional values, as a table
-- for each charge would cost more than the charge. The functions for uncommon charges are defined at the first of these.

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

-- The time since the start of the window.
local function since_start(at, period)
  return at - floor(at / period) * period
end

local function clock(newest, now, period)
  if newest > now and newest <= now + period + SKEW then return newest end
  return now
end

