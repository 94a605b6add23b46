-- Notes what we know of a session that Litestar made, also in place of what we knew of an earlier one under that ID.
-- ARGV from 7: record, revision.
-- Returns 1, or 0 if it is not as it was.
local it = look()
if it.state ~= 'live' or it.key ~= presented or it.revision ~= ARGV[8] then
  return 0
end
local left = math.max(it.left, 0)
leave()
redis.call('DEL', known_at)
redis.call('HSET', known_at, 'key', presented, 'revision', ARGV[8], 'digest', it.digest, 'idle', digits(it.idle),
  'absolute', '', 'expiry', digits(clock() + left), 'subject', '', 'record', ARGV[7])
redis.call('PEXPIRE', known_at, digits(left + keep))
return 1
