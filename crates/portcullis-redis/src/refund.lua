-- Refunds charges whose stage was refused in another slot. It never refunds more than was charged: a charge that the state doesn't show
-- any more isn't refunded.
--
-- KEYS     the buckets
-- ARGV[1]  the charges, packed as in `wire.rs`

local pack, unpack, sub, fmod = struct.pack, struct.unpack, string.sub, math.fmod
local floor, max = math.floor, math.max

local SIZES = { F = 17, S = 21, T = 17 }

local function window_of(at, period) return at - fmod(at, period) end

local function token_bucket(period, full_at, fraction, amount, at, terms, ahead)
  local p = terms[period]
  -- From a rate that isn't asked, less than the cost may have been taken.
  if not p or not p.asked or fraction >= p.count then return full_at, fraction end
  local parts = amount * p.token_parts
  local carried = floor(parts / p.count)
  local micros, rest = amount * p.token + carried, parts - carried * p.count
  -- Tokens that have been refilled since aren't refunded, as they would be those of other charges.
  if micros >= ahead then micros, rest = ahead, 0 end
  full_at, rest = full_at - micros, fraction - rest
  if rest < 0 then full_at, rest = full_at - 1, rest + p.count end
  if full_at < at then return at, 0 end
  return full_at, rest
end

local function by_period(kind, raw, amount, at, terms, ahead)
  local packed = { kind }
  for position = 2, #raw - SIZES[kind] + 1, SIZES[kind] do
    local period, first, second, third = unpack(kind == 'S' and '>I6I7I4I4' or '>I6I7I4', raw, position)
    if kind == 'T' then
      first, second = token_bucket(period, first, second, amount, at, terms, ahead)
      packed[#packed + 1] = pack('>I6I7I4', period, first, second)
    elseif kind == 'F' then
      if first == window_of(at, period) then second = max(second - amount, 0) end
      packed[#packed + 1] = pack('>I6I7I4', period, first, second)
    else
      if first == window_of(at, period) then third = max(third - amount, 0) end
      if first - period == window_of(at, period) then second = max(second - amount, 0) end
      packed[#packed + 1] = pack('>I6I7I4I4', period, first, second, third)
    end
  end
  return table.concat(packed)
end

local function log(raw, amount, at)
  for position = #raw - 10, 2, -11 do
    local moment, cost = unpack('>I7I4', raw, position)
    if moment == at and cost >= amount then
      local rest = cost > amount and pack('>I7I4', moment, cost - amount) or ''
      return sub(raw, 1, position - 1) .. rest .. sub(raw, position + 11)
    end
  end
  return raw
end

local function slots(raw, slot)
  for position = #raw - 6, 2, -7 do
    if unpack('>I7', raw, position) == slot then return sub(raw, 1, position - 1) .. sub(raw, position + 7) end
  end
  return raw
end

local taken, position = ARGV[1], 1
for _, key in ipairs(KEYS) do
  local kind, at, slot, amount, ahead, periods
  kind, at, slot, amount, ahead, periods, position = unpack('>c1I7I7I4I6I2', taken, position)
  local terms = {}
  for _ = 1, periods do
    local asked, period, p = nil, nil, {}
    asked, period, p.count, p.token, p.token_parts, position = unpack('>BI6I4I6I4', taken, position)
    p.asked = asked == 1
    terms[period] = p
  end
  local raw = redis.pcall('GET', key)
  if type(raw) == 'string' and sub(raw, 1, 1) == kind then
    local rest
    if kind == 'L' then
      rest = log(raw, amount, at)
    elseif kind == 'C' then
      rest = slots(raw, slot)
    else
      rest = by_period(kind, raw, amount, at, terms, ahead)
    end
    if rest ~= raw then redis.call('SET', key, rest, 'KEEPTTL') end
  end
end
return 0
