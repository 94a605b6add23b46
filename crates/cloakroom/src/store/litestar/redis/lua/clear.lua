-- Ends sessions, whatever there is of them. KEYS: what we know of each. ARGV: prefix of Litestar's keys, prefix of our marks,
-- how long to remember (ms), then the ID of each. Returns how many entries there were.
local theirs, marks, keep = ARGV[1], ARGV[2], ARGV[3]
local removed = 0

local function give_up(id)
  redis.call('SET', marks .. redis.sha1hex(id), '', 'PX', keep)
  removed = removed + redis.call('DEL', theirs .. id)
end

for number, known_at in ipairs(KEYS) do
  local id, known = ARGV[3 + number], redis.call('HGET', known_at, 'key')
  give_up(id)
  if known and known ~= id then
    give_up(known)
  end
  local tag = redis.call('HGET', known_at, 'subject')
  if tag and tag ~= '' then
    redis.call('SREM', string.sub(known_at, 1, -36) .. ':u:' .. tag, string.sub(known_at, -32))
  end
  redis.call('DEL', known_at)
  redis.call('HSET', known_at, 'ended', 'revoked')
  redis.call('PEXPIRE', known_at, keep)
end
return removed
