-- Stands before all else of the load: most loads renew nothing, and are spared what only a renewal needs.
-- ARGV: now, slack, secret hash, every (or empty), whether the index is here (0 or 1), and a grant.
-- Returns the value; the value in a list if it was not renewed because the index has to be told first.

local value = redis.call('GET', KEYS[1])
if not value then
  return value
end
local kind = string.sub(value, 1, 1)
local head = kind == ANONYMOUS and ANONYMOUS_HEAD or kind == SIGNED_IN and SIGNED_IN_HEAD
if not head or #value < head + ABSOLUTE_AT then
  return value
end
local secret = head + SECRET_AT
if string.sub(value, secret + 1, secret + 32) ~= ARGV[3] then
  return value
end
local a, b, c, d, e, f = string.byte(value, 2, 7)
local idle = ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
a, b, c, d, e = string.byte(value, head + MAX_AGE_AT + 1, head + MAX_AGE_AT + 5)
local max_age = (((e * 256 + d) * 256 + c) * 256 + b) * 256 + a
local now, every = tonumber(ARGV[1]), tonumber(ARGV[4])
local deadline = math.min(now + max_age, LAST_MOMENT)
local moved = deadline - idle
if moved <= 0 or moved < (every or max_age / 10) then
  return value
end
