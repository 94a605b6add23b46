-- ARGV: now, slack, value, expires, stone, remember, whether to take the place of a session that was ended (0 or 1);
-- handle and end of the index entry if there is a key for it.
-- Returns 1, 0 if the key is taken, or 2 if a session was ended there and its place is not to be taken: so a create
-- that is late, because the server or the network stood still, brings nothing back.

local now, slack, expires = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local value = redis.call('GET', KEYS[1])
local found = look(value, now)
if found.state == 'corrupt' then
  return 0
end
if found.state == 'live' then
  -- A driver may have sent this twice because the first reply was lost.
  local mine = look(ARGV[3], now)
  return revision(value, found) == revision(ARGV[3], mine) and 1 or 0
end
if value and found.state == 'none' and ARGV[7] == '0' then
  return 2
end
if expires <= now then
  bury(ARGV[5], tonumber(ARGV[6]))
  return 1
end
if KEYS[2] then
  index(KEYS[2], ARGV[8], tonumber(ARGV[9]), now, slack)
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', digits(expires - now + slack))
return 1
