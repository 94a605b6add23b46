-- ARGV: now, stone, remember, whether replicas have to confirm it (0 or 1).
-- Returns 1; 0 if there was no live session; 4 if it had been ended, perhaps by a call that too few replicas confirmed. One
-- that cannot be read is ended too, and counts.

local value, remember = redis.call('GET', KEYS[1]), tonumber(ARGV[3])
local found = look(value, tonumber(ARGV[1]))
if value and found.state == 'none' and ARGV[4] == '1' then
  bury_again(remember)
  return 4
end
if found.state == 'none' or found.state == 'expired' then
  return 0
end
bury(ARGV[2], remember)
return 1
