-- ARGV from 7: idle deadline; revision and idle deadline that it must have, or nothing twice. Returns 1; 0 if there
-- is no such session.
local it = look()
if it.state ~= 'live' or not it.known or (ARGV[8] ~= '' and (it.revision ~= ARGV[8] or digits(it.idle) ~= ARGV[9])) then
  return 0
end
local idle = tonumber(ARGV[7])
local left = math.max(math.ceil((math.min(idle, it.absolute or idle) - now) / 1000), 1)
redis.call('EXPIRE', theirs .. it.known, digits(left))
redis.call('HSET', known_at, 'idle', ARGV[7], 'expiry', digits(clock() + left * 1000))
retain(redis.call('HGET', known_at, 'subject'), left * 1000 + keep)
return 1
