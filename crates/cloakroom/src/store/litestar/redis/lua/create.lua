-- Returns 1, or 0 if the key is taken.
local it = look()
if it.state == 'live' then
  return it.revision == ARGV[9] and 1 or 0
end
if tonumber(ARGV[12]) <= now then
  if it.known then
    leave()
    redis.call('DEL', known_at, theirs .. it.known)
  end
  return 1
end
if it.known and it.known ~= presented then
  give_up(it.known)
end
put(presented)
return 1
