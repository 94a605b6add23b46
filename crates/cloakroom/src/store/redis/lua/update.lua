-- ARGV: now, slack, value, expires, stone, remember, expected revision, whether the index was told; handle and
-- end of the index entry if there is a key for it.
-- Returns 1; 0 if there is no live session; 2 if it has another revision; 3 if the index has to be told first;
-- -1 if it cannot be read.

local now, slack, expires = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local value, next_value = redis.call('GET', KEYS[1]), ARGV[3]
local found = look(value, now)
if found.state == 'corrupt' then
  return -1
end
if found.state ~= 'live' then
  return 0
end
local next_found = look(next_value, now)
local present = revision(value, found)
if present ~= ARGV[7] then
  -- A driver may have sent this twice because the first reply was lost.
  return present == revision(next_value, next_found) and 1 or 2
end
if expires <= now then
  bury(ARGV[5], tonumber(ARGV[6]))
  return 1
end
if next_found.subject then
  if next_found.subject == found.subject and expires <= found.indexed then
    next_value = string.sub(next_value, 1, 7) .. six(found.indexed) .. string.sub(next_value, 14)
    if KEYS[2] then
      keep_indexed(KEYS[2], ARGV[9], found.indexed, now, slack)
    end
  elseif KEYS[2] then
    index(KEYS[2], ARGV[9], tonumber(ARGV[10]), now, slack)
  elseif ARGV[8] ~= '1' then
    return 3
  end
end
redis.call('SET', KEYS[1], next_value, 'PX', digits(expires - now + slack))
return 1
