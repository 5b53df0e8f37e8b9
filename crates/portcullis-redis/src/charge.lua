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
local KNOWN = { F = true, S = true, T = true, L = true, C = true }

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

-- Each of these takes a period's terms, now, the cost, whether it is leased, and the stored entry (or nils). It gives whether
-- the rate admits it, what remains, in how long all is there, in how long it fits (-1: never), how long a lease lasts, the
-- entry with the charge, and whether the entry has to be healed, and as what.

local function fixed_window(p, now, cost, _, stored, stored_count)
  local period, count = p.period, p.count
  local at, used = now, 0
  if stored then
    stored = stored - since_start(stored, period)
    at = clock(stored, now, period)
  end
  local start = at - since_start(at, period)
  if stored and stored >= start then used = stored_count end
  local after = used + cost
  if after > MOST then after = MOST end
  local healed = stored ~= nil and stored > start
  local left, lasts = start + period - now, start + period - at
  if after <= count then
    return true, count - after, left, -1, lasts, start, after, nil, healed, start, used, nil
  end
  local remaining = count > used and count - used or 0
  return false, remaining, used > 0 and left or 0, cost <= count and left or -1, lasts, start, after, nil, healed, start, used, nil
end

local function sliding_left(previous, current, count, overlap, period)
  if previous == 0 then return count - current end
  local weight, rest = muldiv(previous, overlap, period)
  if rest > 0 then weight = weight + 1 end
  return count - current - weight
end

local function until_no_more_than(room, count, period)
  if count <= room then return 0 end
  return period - (muldiv(room, period, count))
end

local function sliding_window(p, now, cost, _, stored, stored_previous, stored_current)
  local period, count = p.period, p.count
  local at, previous, current = now, 0, 0
  if stored then
    stored = stored - since_start(stored, period)
    at = clock(stored, now, period)
  end
  local start = at - since_start(at, period)
  if stored then
    if stored >= start then
      previous, current = stored_previous, stored_current
    elseif stored + period == start then
      previous = stored_current
    end
  end
  local after = current + cost
  if after > MOST then after = MOST end
  local overlap = period - (at - start)
  local healed = stored ~= nil and stored > start
  local left = sliding_left(previous, after, count, overlap, period)
  if left >= 0 then
    return true, left, start + 2 * period - now, -1, overlap, start, previous, after, healed, start, previous, current
  end
  local retry = -1
  if cost <= count then
    local room, fits = count - cost, nil
    if room >= current then
      fits = until_no_more_than(room - current, previous, period)
    else
      fits = period + until_no_more_than(room, current, period)
    end
    retry = start + fits - now
  end
  left = sliding_left(previous, current, count, overlap, period)
  local full_after = 0
  if current > 0 then
    full_after = start + 2 * period - now
  elseif previous > 0 then
    full_after = start + period - now
  end
  return false, left > 0 and left or 0, full_after, retry, overlap, start, previous, after, healed, start, previous, current
end

local function token_bucket(p, now, cost, leased, full_at, fraction)
  local count, whole, whole_parts = p.count, p.whole, p.whole_parts
  local ahead, parts, healed = 0, 0, false
  if full_at then
    if fraction >= count then full_at, fraction = full_at + 1, 0 end
    if full_at >= now then
      ahead, parts = full_at - now, fraction
      local furthest = p.refill + SKEW
      if ahead > furthest or (ahead == furthest and parts > 0) then ahead, parts, healed = p.refill, 0, true end
    end
  end
  local lasts = floor(whole / 10)
  if lasts > LONGEST_LEASE then lasts = LONGEST_LEASE end
  if leased and ahead < lasts then ahead, parts = lasts, 0 end
  local before, before_parts = ahead, parts
  local fits, retry = false, -1
  if cost <= p.burst then
    local after_parts = parts + cost * p.token_parts
    local carried = floor(after_parts / count)
    after_parts = after_parts - carried * count
    local after = ahead + cost * p.token + carried
    fits = after < whole or (after == whole and after_parts <= whole_parts)
    if fits then
      ahead, parts = after, after_parts
    else
      retry = after - whole
      if after_parts > whole_parts then retry = retry + 1 end
    end
  end
  local is_within = ahead < whole or (ahead == whole and parts < whole_parts)
  local remaining = 0
  if is_within then
    local micros, rest = whole - ahead, whole_parts - parts
    if rest < 0 then micros, rest = micros - 1, rest + count end
    local tokens, more = muldiv(count, micros, p.period)
    remaining = tokens + floor((more + rest) / p.period)
  end
  local full_after = parts > 0 and ahead + 1 or ahead
  -- Where it isn't asked, it is used up and no more.
  if not fits and is_within then ahead, parts = whole, whole_parts end
  return fits, remaining, full_after, retry, lasts, now + ahead, parts, nil, healed, now + before, before_parts, nil
end

-- By one rate. Nothing where the state isn't one entry of this period, but one that has to be looked at more closely.
local function by_one(kind, raw, p, now, cost, leased)
  local tag, period, first, second, third
  if raw then
    if kind == 'S' then
      if #raw == 22 then tag, period, first, second, third = unpack('>c1I6I7I4I4', raw) end
    elseif #raw == 18 then
      tag, period, first, second = unpack('>c1I6I7I4', raw)
    end
    if tag ~= kind then
      if sub(raw, 1, 1) == kind or not KNOWN[sub(raw, 1, 1)] then return nil end
      first, second, third = nil, nil, nil
    elseif period ~= p.period or first > LATEST_STORED then
      return nil
    end
  end
  local admits, remaining, full_after, retry, lasts, e1, e2, e3, healed, h1, h2, h3
  if kind == 'T' then
    admits, remaining, full_after, retry, lasts, e1, e2, e3, healed, h1, h2 =
      token_bucket(p, now, cost, leased, first, second)
  elseif kind == 'F' then
    admits, remaining, full_after, retry, lasts, e1, e2, e3, healed, h1, h2 =
      fixed_window(p, now, cost, leased, first, second)
  else
    admits, remaining, full_after, retry, lasts, e1, e2, e3, healed, h1, h2, h3 =
      sliding_window(p, now, cost, leased, first, second, third)
  end
  if not admits then
    if not healed then return false, remaining, full_after, retry, lasts end
    e1, e2, e3 = h1, h2, h3
  end
  period = p.period
  if kind == 'T' then
    return admits, remaining, full_after, retry, lasts, pack('>c1I6I7I4', 'T', period, e1, e2), e2 > 0 and e1 + 1 or e1
  elseif kind == 'F' then
    return admits, remaining, full_after, retry, lasts, pack('>c1I6I7I4', 'F', period, e1, e2), e1 + period
  end
  return admits, remaining, full_after, retry, lasts, pack('>c1I6I7I4I4', 'S', period, e1, e2, e3), e1 + 2 * period
end

-- What else there is: several rates, logs, and slots.
local function others()
  local min, max, concat = math.min, math.max, table.concat
  local FORMATS = { F = '>I6I7I4', S = '>I6I7I4I4', T = '>I6I7I4' }
  local SIZES = { F = 17, S = 21, T = 17 }
  local WINDOWS = { F = 1, S = 2, T = 0 }
  local WEIGH = { F = fixed_window, S = sliding_window, T = token_bucket }

  -- Rates together: the one with the least left speaks, and a refusal beats what admits.
  local function together(best, admits, remaining, full_after, retry, row)
    if not best or (best[1] and not admits) then return { admits, remaining, full_after, retry, row } end
    if admits and not best[1] then return best end
    if not admits then
      if best[4] == -1 or retry == -1 then best[4] = -1 else best[4] = max(best[4], retry) end
    end
    if remaining < best[2] then best[2], best[3], best[5] = remaining, full_after, row end
    return best
  end

  local function entries(raw, kind)
    local found, size = {}, SIZES[kind]
    if (#raw - 1) % size ~= 0 then return found, true end
    for at = 2, #raw, size do
      local period, first, second, third = unpack(FORMATS[kind], raw, at)
      if period == 0 or first > LATEST_STORED then return {}, true end
      if kind ~= 'S' then third = nil end
      found[period] = { first, second, third }
    end
    return found, false
  end

  local function packed_entry(kind, period, entry)
    if kind == 'S' then return pack(FORMATS.S, period, entry[1], entry[2], entry[3]) end
    return pack(FORMATS[kind], period, entry[1], entry[2])
  end

  local function by_period(kind, raw, terms, now, cost, leased)
    local stored, spoilt = {}, false
    if raw and sub(raw, 1, 1) == kind then stored, spoilt = entries(raw, kind) end
    local best, lasts, any_healed, expires = nil, nil, false, now
    local after, before = {}, {}
    for row, p in ipairs(terms) do
      local entry = stored[p.period] or {}
      local admits, remaining, full_after, retry, lease, e1, e2, e3, healed, h1, h2, h3 =
        WEIGH[kind](p, now, cost, leased, entry[1], entry[2], entry[3])
      if p.asked then best = together(best, admits, remaining, full_after, retry, row) end
      lasts = lasts and min(lasts, lease) or lease
      after[row] = { e1, e2, e3 }
      before[row] = healed and { h1, h2, h3 } or stored[p.period] or false
      any_healed = any_healed or healed
    end
    best = best or { false, 0, 0, -1, 0 }
    local keep = best[1] and after or (any_healed and before) or nil
    if not keep then return best, 0, nil, now, spoilt end
    local packed = { kind }
    for row, p in ipairs(terms) do
      local entry = keep[row]
      if entry then
        packed[#packed + 1] = packed_entry(kind, p.period, entry)
        local ends = entry[1] + WINDOWS[kind] * p.period
        if kind == 'T' and entry[2] > 0 then ends = ends + 1 end
        expires = max(expires, ends)
      end
    end
    return best, lasts or 0, concat(packed), expires, spoilt
  end

  local function longest(terms)
    return #terms > 0 and terms[#terms].period or 0
  end

  -- The moments of a log or of slots, and what each cost.
  local function moments(raw, kind, size, format)
    local at, costs = {}, {}
    if not raw or sub(raw, 1, 1) ~= kind then return at, costs, false end
    if (#raw - 1) % size ~= 0 then return at, costs, true end
    for position = 2, #raw, size do
      local moment, cost = unpack(format, raw, position)
      local last = at[#at]
      if moment > LATEST_STORED or (last and (moment < last or (kind == 'C' and moment == last))) then
        return {}, {}, true
      end
      at[#at + 1], costs[#costs + 1] = moment, cost
    end
    return at, costs, false
  end

  -- The first moment that a window which ends now still holds.
  local function first_within(at, now, period)
    local low, high = 1, #at + 1
    while low < high do
      local middle = floor((low + high) / 2)
      if at[middle] <= now - period then low = middle + 1 else high = middle end
    end
    return low
  end

  local function sliding_log(raw, terms, now, cost)
    local at, costs, spoilt = moments(raw, 'L', 11, '>I7I4')
    local window = 0
    for _, p in ipairs(terms) do
      if p.asked then window = max(window, p.period) end
    end
    local newest = at[#at] or now
    local clock = clock(newest, now, window)
    for row = #at, 1, -1 do
      if at[row] <= clock then break end
      at[row] = clock
    end
    local best
    for row, p in ipairs(terms) do
      if p.asked then
        local first, used = first_within(at, clock, p.period), 0
        for position = first, #at do used = used + costs[position] end
        if used + cost <= p.count then
          best = together(best, true, p.count - used - cost, clock + p.period - now, -1, row)
        else
          local retry = -1
          if cost <= p.count then
            retry = p.period
            local surplus = used + cost - p.count
            for position = first, #at do
              surplus = surplus - costs[position]
              if surplus <= 0 then
                retry = at[position] + p.period - clock
                break
              end
            end
            retry = retry + clock - now
          end
          local full_after = at[first] and at[#at] + p.period - now or 0
          best = together(best, false, max(p.count - used, 0), full_after, retry, row)
        end
      end
    end
    best = best or { false, 0, 0, -1, 0 }
    if not best[1] and newest <= clock then return best, nil, now, spoilt end
    if best[1] then
      if at[#at] == clock then
        costs[#costs] = min(costs[#costs] + cost, MOST)
      else
        at[#at + 1], costs[#costs + 1] = clock, cost
      end
    end
    -- What any rate still counts: the newest of its window that use it up.
    local first = #at + 1
    for _, p in ipairs(terms) do
      local from, sum, position = first_within(at, clock, p.period), 0, #at
      while position >= from and sum < p.most do
        sum = sum + costs[position]
        position = position - 1
      end
      first = min(first, position + 1)
    end
    local packed = { 'L' }
    for position = first, #at do packed[#packed + 1] = pack('>I7I4', at[position], costs[position]) end
    return best, concat(packed), (at[#at] or now) + longest(terms), spoilt
  end

  local function concurrency(raw, terms, now)
    local taken, _, spoilt = moments(raw, 'C', 7, '>I7')
    local timeout = longest(terms)
    local newest = taken[#taken] or now
    local clock = clock(newest, now, timeout)
    -- At the beginning of time, there is no room for all of them before the clock.
    local latest = max(clock, #taken - 1)
    for row = #taken, 1, -1 do
      if taken[row] <= latest then break end
      taken[row] = latest
      latest = latest - 1
    end
    local live = {}
    for row = first_within(taken, clock, timeout), #taken do live[#live + 1] = taken[row] end
    local slot = clock
    if #live > 0 then slot = max(clock, live[#live] + 1) end
    local best
    for row, p in ipairs(terms) do
      if p.asked then
        local first = first_within(live, clock, p.period)
        local running = #live - first + 1
        if running < p.count then
          best = together(best, true, p.count - running - 1, slot + p.period - now, -1, row)
        else
          best = together(best, false, 0, live[#live] + p.period - now, live[first] + p.period - now, row)
        end
      end
    end
    best = best or { false, 0, 0, -1, 0 }
    if not best[1] and newest <= clock then return best, nil, now, spoilt end
    if best[1] then live[#live + 1] = slot end
    local packed = { 'C' }
    for row, moment in ipairs(live) do packed[row + 1] = pack('>I7', moment) end
    return best, concat(packed), (live[#live] or now) + timeout, spoilt, best[1] and slot or nil
  end

  return function(kind, raw, terms, now, cost, leased)
    local best, lasts, slot, value, expires, spoilt = nil, 0, nil, nil, nil, nil
    local is_unknown = raw and not KNOWN[sub(raw, 1, 1)]
    if kind == 'L' then
      best, value, expires, spoilt = sliding_log(raw, terms, now, cost)
    elseif kind == 'C' then
      best, value, expires, spoilt, slot = concurrency(raw, terms, now)
    else
      best, lasts, value, expires, spoilt = by_period(kind, raw, terms, now, cost, leased)
    end
    return best[1], best[2], best[3], best[4], lasts, value, expires, best[5], slot, spoilt or is_unknown
  end
end

local by_others

-- What a charge comes to: whether it fits, what remains, in how long all is there, in how long it fits, for how long a lease
-- lasts, the state to write and when it ends; then the row of the rate that speaks, the slot, and whether the state was
-- unreadable, where more than one rate was looked at.
local function once(kind, raw, terms, now, cost, leased)
  if terms.single then
    local admits, remaining, full_after, retry, lasts, value, ends = by_one(kind, raw, terms[1], now, cost, leased)
    if admits ~= nil then return admits, remaining, full_after, retry, lasts, value, ends end
  end
  by_others = by_others or others()
  return by_others(kind, raw, terms, now, cost, leased)
end

local function lease(kind, raw, terms, now, cost, share)
  if share <= cost or kind == 'L' or kind == 'C' then return 0 end
  local admits, remaining = once(kind, raw, terms, now, cost, true)
  if not admits then return 0 end
  local granted = floor(remaining / 2)
  return granted < share - cost and granted or share - cost
end

local keys = KEYS
local all_terms = {}
do
  local packed, position = ARGV[1], 1
  while position <= #packed do
    local kind, periods
    kind, periods, position = unpack('>c1I2', packed, position)
    local terms = { kind = kind }
    for row = 1, periods do
      local p, asked = {}, nil
      asked, p.period, p.count, p.burst, p.most, p.refill, p.token, p.token_parts, p.whole, p.whole_parts, position =
        unpack('>BI6I4I4I4I6I6I4I6I4', packed, position)
      p.asked = asked == 1
      terms[row] = p
    end
    terms.single = periods == 1 and terms[1].asked and kind ~= 'L' and kind ~= 'C'
    all_terms[#all_terms + 1] = terms
  end
end

-- The states by the row of their key; of a key that stands several times, by the first.
local states = call('MGET', _G.unpack(keys))
local row_of, written = {}, {}
for row = 1, #keys do
  local key = keys[row]
  if not row_of[key] then row_of[key] = row end
end

-- By the clocks of hosts, one of which is behind, a state still counts when by another it doesn't.
local server_time, slack = 0, SKEW + 999999
local by_server = ARGV[3] == '1'
if by_server then
  local time = call('TIME')
  server_time, slack = time[1] * 1000000 + time[2], 999999
end

local function packed_outcome(admits, remaining, full_after, retry, speaker, slot, granted, lasts)
  if granted > 0 or slot then
    return pack('>BI2I4I7I7I7I4I6', 5, speaker, remaining, full_after, 0, slot or 0, granted, slot and 0 or lasts)
  elseif admits then
    return pack('>BI2I4I7I7', 1, speaker, remaining, full_after, 0)
  elseif retry >= 0 then
    return pack('>BI2I4I7I7', 0, speaker, remaining, full_after, retry)
  end
  return pack('>BI2I4I7I7', 2, speaker, remaining, full_after, 0)
end

local unreadable, now = 0, server_time
local stages, position, last = ARGV[2], 1, 0
local reply, replies = { '' }, 1
while position <= #stages do
  local charges
  if by_server then
    charges, position = unpack('>I2', stages, position)
  else
    charges, now, position = unpack('>I2I7', stages, position)
    if now > LATEST then now = LATEST end
  end
  local outcomes, refused, kept, healed = nil, false, nil, nil
  for row = last + 1, last + charges do
    local index, dry_run, cost, share
    index, dry_run, cost, share, position = unpack('>I2BI4I4', stages, position)
    local terms = all_terms[index]
    row = row_of[keys[row]]
    local kind, raw = terms.kind, kept and kept[row] and kept[row][1] or states[row]
    local granted = share > 0 and lease(kind, raw, terms, now, cost, share) or 0
    local admits, remaining, full_after, retry, lasts, value, ends, speaker, slot, spoilt =
      once(kind, raw, terms, now, cost + granted, granted > 0)
    if spoilt then unreadable = unreadable + 1 end
    local outcome = packed_outcome(admits, remaining, full_after, retry, speaker or 1, slot, granted, lasts)
    outcomes = outcomes and outcomes .. outcome or outcome
    local lifetime = value and floor((ends - now + slack) / 1000000)
    if charges == 1 then
      if value then states[row], written[row] = value, lifetime end
    elseif admits then
      kept = kept or {}
      kept[row] = { value, lifetime }
    else
      refused = refused or dry_run == 0
      if value then
        healed = healed or {}
        healed[row] = { value, lifetime }
      end
    end
  end
  if healed then
    for row, state in pairs(healed) do states[row], written[row] = state[1], state[2] end
  end
  if kept and not refused then
    for row, state in pairs(kept) do states[row], written[row] = state[1], state[2] end
  end
  replies = replies + 1
  reply[replies] = outcomes
  last = last + charges
end

local texts = {}
for row, lifetime in pairs(written) do
  if lifetime < 1 then lifetime = 1 end
  local text = texts[lifetime]
  if not text then
    text = string.format('%.0f', lifetime)
    texts[lifetime] = text
  end
  call('SET', keys[row], states[row], 'EX', text)
end
reply[1] = pack('>I7I4', server_time, unreadable)
return reply
