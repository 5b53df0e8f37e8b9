-- Writes the state of a family if the stored version is still the one that was read.
--
-- KEYS[1]  the family
-- ARGV     the version that was read, the version to write, the state, and its lifetime in milliseconds
-- returns  1 if it was written, 0 if another write was first, -1 if the stored state is unreadable
--
-- The stored text is the version, a colon, and the state.

local stored = redis.pcall('GET', KEYS[1])
local version = '0'
if stored then
  version = type(stored) == 'string' and string.match(stored, '^(%d+):')
  if not version then return -1 end
end
if version ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2] .. ':' .. ARGV[3], 'PX', ARGV[4])
return 1
