-- ARGV: now, slack, secret hash, every (or empty), and a grant.
-- Returns the value; the value in a list if it was not renewed because the index has to be told first.

local now, slack, every = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local value = redis.call('GET', KEYS[1])
local found = look(value, now)
if found.state ~= 'live' then
  return value
end
local secret = found.record + SECRET_AT
if string.sub(value, secret, secret + 31) ~= ARGV[3] then
  return value
end
local max_age = little(value, found.record + MAX_AGE_AT, 5)
local deadline = math.min(now + max_age, LAST_MOMENT)
local moved = deadline - found.idle
if moved <= 0 then
  return value
end
if every then
  if moved < every then
    return value
  end
elseif moved * 10 < max_age then
  return value
end
local done, renewed = pcall(move, value, found, deadline, now, slack, grant_from(5))
if done then
  return renewed or { value }
end
-- A full server still serves whoever is there.
if is_full(renewed) then
  return value
end
error(message(renewed))
