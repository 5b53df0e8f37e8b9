-- The uncommon charges: by several rates, logs, and slots. Their outcomes are tables with the fields `admits`, `remaining`,
-- `full_after`, `retry` and `row`, the row of the rate that determines them.
local function others()
  local min, max, concat = math.min, math.max, table.concat
  local FORMATS = { F = '>I6I7I4', S = '>I6I7I4I4', T = '>I6I7I4' }
  local KNOWN = { F = true, S = true, T = true, L = true, C = true }
  local SIZES = { F = 17, S = 21, T = 17 }
  local WINDOWS = { F = 1, S = 2, T = 0 }
  local WEIGH = { F = fixed_window, S = sliding_window, T = token_bucket }

  -- The outcome of several rates: the one with the least remaining determines it, and a refusal takes precedence.
  local function combine(best, admits, remaining, full_after, retry, row)
    if not best or (best.admits and not admits) then
      return { admits = admits, remaining = remaining, full_after = full_after, retry = retry, row = row }
    end
    if admits and not best.admits then return best end
    if not admits then
      if best.retry == -1 or retry == -1 then best.retry = -1 else best.retry = max(best.retry, retry) end
    end
    if remaining < best.remaining then best.remaining, best.full_after, best.row = remaining, full_after, row end
    return best
  end

  -- The outcome where no rate is asked.
  local function never()
    return { admits = false, remaining = 0, full_after = 0, retry = -1, row = 0 }
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
      if p.asked then best = combine(best, admits, remaining, full_after, retry, row) end
      lasts = lasts and min(lasts, lease) or lease
      after[row] = { e1, e2, e3 }
      before[row] = healed and { h1, h2, h3 } or stored[p.period] or false
      any_healed = any_healed or healed
    end
    best = best or never()
    local keep = best.admits and after or (any_healed and before) or nil
    if not keep then return best, nil, now, spoilt end
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
    best.lasts = lasts or 0
    return best, concat(packed), expires, spoilt
  end

  local function longest(terms)
    return #terms > 0 and terms[#terms].period or 0
  end

  -- The times of a log or of slots, and the cost of each.
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

  -- The row of the first time in the window that ends now.
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
          best = combine(best, true, p.count - used - cost, clock + p.period - now, -1, row)
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
          best = combine(best, false, max(p.count - used, 0), full_after, retry, row)
        end
      end
    end
    best = best or never()
    if not best.admits and newest <= clock then return best, nil, now, spoilt end
    if best.admits then
      if at[#at] == clock then
        costs[#costs] = min(costs[#costs] + cost, MOST)
      else
        at[#at + 1], costs[#costs + 1] = clock, cost
      end
    end
    -- Some rate still counts these: the newest of its window that use it up.
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
    -- Times close to 0 leave no room for all slots before the clock.
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
          best = combine(best, true, p.count - running - 1, slot + p.period - now, -1, row)
        else
          best = combine(best, false, 0, live[#live] + p.period - now, live[first] + p.period - now, row)
        end
      end
    end
    best = best or never()
    if not best.admits and newest <= clock then return best, nil, now, spoilt end
    if best.admits then live[#live + 1] = slot end
    local packed = { 'C' }
    for row, moment in ipairs(live) do packed[row + 1] = pack('>I7', moment) end
    best.slot = best.admits and slot or nil
    return best, concat(packed), (live[#live] or now) + timeout, spoilt
  end

  -- The outcome of a charge. Further fields: `lasts`, the duration of a lease, the `slot`, the `value` to write and when it `expires`,
  -- and `is_unreadable` for a state that wasn't readable.
  return function(kind, raw, terms, now, cost, leased)
    local best, value, expires, spoilt
    if kind == 'L' then
      best, value, expires, spoilt = sliding_log(raw, terms, now, cost)
    elseif kind == 'C' then
      best, value, expires, spoilt = concurrency(raw, terms, now)
    else
      best, value, expires, spoilt = by_period(kind, raw, terms, now, cost, leased)
    end
    best.lasts = best.lasts or 0
    best.value, best.expires = value, expires
    best.is_unreadable = spoilt or (raw and not KNOWN[sub(raw, 1, 1)])
    return best
  end
end
