-- Releases a slot of a `concurrency` limit.
--
-- KEYS[1]  the bucket
-- ARGV[1]  the slot, packed as in its state
-- returns  1 if it was taken, else 0

local raw = redis.pcall('GET', KEYS[1])
if type(raw) ~= 'string' or string.sub(raw, 1, 1) ~= 'C' then return 0 end
for position = 2, #raw - 6, 7 do
  if string.sub(raw, position, position + 6) == ARGV[1] then
    local rest = string.sub(raw, 1, position - 1) .. string.sub(raw, position + 7)
    if #rest == 1 then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], rest, 'KEEPTTL') end
    return 1
  end
end
return 0
