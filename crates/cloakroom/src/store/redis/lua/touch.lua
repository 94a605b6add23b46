-- ARGV: now, slack, deadline, whether the index is here (0 or 1), and a grant.
-- Returns 1 or 0, whether there was a live session; -1 if it cannot be read; the value if the index has to be
-- told first.

local now, slack, deadline = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local value = redis.call('GET', KEYS[1])
local found = look(value, now)
if found.state == 'corrupt' then
  return -1
end
if found.state ~= 'live' then
  return 0
end
if move(value, found, deadline, now, slack, ARGV[4], grant_from(5)) then
  return 1
end
return { value }
