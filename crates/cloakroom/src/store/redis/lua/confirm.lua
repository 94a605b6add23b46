-- Says again that a session has ended, so that replicas are asked whether they know.
-- ARGV: for how long it is remembered.
-- Returns 4, or 0 if no end is known.

if string.sub(redis.call('GET', KEYS[1]) or '', 1, 1) ~= ENDED then
  return 0
end
bury_again(tonumber(ARGV[1]))
return 4
