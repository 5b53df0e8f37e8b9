-- Charges by one rate of a window or a token bucket: no table is made for them.

-- Charges by one rate of a window or a token bucket, without a table.

-- Each of these takes the terms of a period, the time, the cost, true for a lease, and the stored entry of up to three numbers or nils.
-- It returns
--   admits      true if the rate admits the charge
--   remaining   the rest of the quota
--   full_after  the time until the quota is full
--   retry       the time until the charge is admitted, or -1 for never
--   lasts       the duration of a lease
--   e1, e2, e3  the entry with the charge
--   healed      true if the stored entry is of a later time than the clocks allow for
--   h1, h2, h3  the entry to write in that case

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
  -- A rate that isn't asked is used up, and no more.
  if not fits and is_within then ahead, parts = whole, whole_parts end
  return fits, remaining, full_after, retry, lasts, now + ahead, parts, nil, healed, now + before, before_parts, nil
end

-- A charge by one rate: admits, remaining, full_after, retry, lasts, the state to write and when it expires. Returns nil if the state isn't
-- one entry of this period, which makes the charge an uncommon one. A state without an expiry keeps the one it has.
local function by_one(kind, raw, p, now, cost, leased)
  local tag, period, first, second, third
  if raw then
    if kind == 'S' then
      if #raw == 22 then tag, period, first, second, third = unpack('>c1I6I7I4I4', raw) end
    elseif #raw == 18 then
      tag, period, first, second = unpack('>c1I6I7I4', raw)
    end
    if tag ~= kind or period ~= p.period or first > LATEST_STORED then return nil end
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
  end
  -- A key of the same window has its expiry already.
  local ends = first ~= e1 and e1 + period or nil
  if kind == 'F' then return admits, remaining, full_after, retry, lasts, pack('>c1I6I7I4', 'F', period, e1, e2), ends end
  if ends then ends = ends + period end
  return admits, remaining, full_after, retry, lasts, pack('>c1I6I7I4I4', 'S', period, e1, e2, e3), ends
end

