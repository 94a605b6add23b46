-- ARGV[15]: whether to take the place of a session that was ended (0 or 1).
-- Returns 1, 0 if the key is taken, or 2 if a session was ended there and its place is not to be taken: so a create
-- that is late, because the server or the network stood still, brings nothing back.
local it = look()
if it.state == 'live' then
  return it.revision == ARGV[9] and 1 or 0
end
if ARGV[15] == '0' and (it.ended or redis.call('EXISTS', mark(presented)) == 1) then
  return 2
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
