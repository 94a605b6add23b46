-- ARGV: now, stone, remember.
-- Returns whether there was a live session. One that cannot be read is ended too, and counts.

local found = look(redis.call('GET', KEYS[1]), tonumber(ARGV[1]))
if found.state == 'none' or found.state == 'expired' then
  return 0
end
bury(ARGV[2], tonumber(ARGV[3]))
return 1
