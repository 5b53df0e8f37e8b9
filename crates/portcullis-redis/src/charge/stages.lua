-- The stages, one after the other. All states are read at once, and each state is written once, at the end.

local by_others

-- A charge: the values of `by_one`, and for an uncommon charge the table of `others`.
local function charge_once(kind, raw, terms, now, cost, leased)
  if terms.single then
    local admits, remaining, full_after, retry, lasts, value, ends = by_one(kind, raw, terms[1], now, cost, leased)
    if admits ~= nil then return admits, remaining, full_after, retry, lasts, value, ends end
  end
  by_others = by_others or others()
  local outcome = by_others(kind, raw, terms, now, cost, leased)
  return outcome.admits, outcome.remaining, outcome.full_after, outcome.retry, outcome.lasts, outcome.value, outcome.expires, outcome
end

local function lease(kind, raw, terms, now, cost, share)
  if share <= cost or kind == 'L' or kind == 'C' then return 0 end
  local admits, remaining = charge_once(kind, raw, terms, now, cost, true)
  if not admits then return 0 end
  local granted = floor(remaining / 2)
  return granted < share - cost and granted or share - cost
end

local max = math.max
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

-- The states by the row of their key. A key that occurs several times has the row of the first.
local states = call('MGET', _G.unpack(keys))
local row_of, written = {}, {}
for row = 1, #keys do
  local key = keys[row]
  if not row_of[key] then row_of[key] = row end
end

-- With the clocks of hosts, a state that has expired by one clock still counts by another one, which is behind.
local server_time, slack = 0, SKEW + 999999
local by_server = ARGV[3] == '1'
if by_server then
  local time = call('TIME')
  server_time, slack = time[1] * 1000000 + time[2], 999999
end

local unreadable, now = 0, server_time
local stages, reply = ARGV[2], { '' }

-- A stage of several charges or of an uncommon one: all of it is written, or none. Returns its outcomes and the position behind it.
local function general(position, charges, first)
  local outcomes, refused, kept, healed = '', false, nil, nil
  for row = first, first + charges - 1 do
    local index, dry_run, cost, share
    index, dry_run, cost, share, position = unpack('>I2BI4I4', stages, position)
    local terms = all_terms[index]
    row = row_of[keys[row]]
    local kind, raw = terms.kind, kept and kept[row] and kept[row][1] or states[row]
    local granted = share > 0 and lease(kind, raw, terms, now, cost, share) or 0
    local admits, remaining, full_after, retry, lasts, value, ends, uncommon =
      charge_once(kind, raw, terms, now, cost + granted, granted > 0)
    local row_of_rate, slot = 1, nil
    if uncommon then
      row_of_rate, slot = uncommon.row, uncommon.slot
      if uncommon.is_unreadable then unreadable = unreadable + 1 end
    end
    local flags = admits and 1 or (retry >= 0 and 0 or 2)
    local holds = granted > 0 or slot
    outcomes = outcomes
      .. pack('>BI2I4I7I7', holds and 5 or flags, row_of_rate, remaining, full_after, retry >= 0 and retry or 0)
    if holds then outcomes = outcomes .. pack('>I7I4I6', slot or 0, granted, slot and 0 or lasts) end
    local lifetime = kept and kept[row] and kept[row][2] or written[row] or 0
    if ends then lifetime = floor((max(ends - now, 1) + slack) / 1000000) end
    if admits then
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
  return outcomes, position
end

local position, last, replies = 1, 0, 1
local head = by_server and '>I2I2BI4I4' or '>I7I2I2BI4I4'
while position <= #stages do
  local charges, index, cost, share, after, _
  if by_server then
    charges, index, _, cost, share, after = unpack(head, stages, position)
  else
    now, charges, index, _, cost, share, after = unpack(head, stages, position)
    if now > LATEST then now = LATEST end
  end
  local terms, outcome = all_terms[index], nil
  if charges == 1 and share == 0 and terms.single then
    local row = row_of[keys[last + 1]]
    local admits, remaining, full_after, retry, _, value, ends =
      by_one(terms.kind, states[row], terms[1], now, cost, false)
    if admits then
      outcome = pack('>BI2I4I7I7', 1, 1, remaining, full_after, 0)
    elseif admits == false then
      outcome = pack('>BI2I4I7I7', retry >= 0 and 0 or 2, 1, remaining, full_after, retry >= 0 and retry or 0)
    end
    if value then
      states[row] = value
      if ends then
        written[row] = floor((max(ends - now, 1) + slack) / 1000000)
      else
        written[row] = written[row] or 0
      end
    end
    position = after
  end
  if not outcome then outcome, position = general(after - 11, charges, last + 1) end
  replies = replies + 1
  reply[replies] = outcome
  last = last + charges
end

local texts = {}
for row, lifetime in pairs(written) do
  if lifetime == 0 then
    call('SET', keys[row], states[row], 'KEEPTTL')
  else
    local text = texts[lifetime]
    if not text then
      text = string.format('%.0f', lifetime)
      texts[lifetime] = text
    end
    call('SET', keys[row], states[row], 'EX', text)
  end
end
reply[1] = pack('>I7I4', server_time, unreadable)
return reply
