-- ARGV[15]: expected revision. Returns 1; 0 if there is no live session; 2 if it has another revision.
local it = look()
if it.state ~= 'live' or not it.known then
  return 0
end
if it.revision ~= ARGV[15] then
  return it.revision == ARGV[9] and 1 or 2
end
if tonumber(ARGV[12]) <= now then
  bury(it, 'destroyed')
  return 1
end
local id = presented ~= '' and presented or it.known
if id ~= it.known then
  give_up(it.known)
end
put(id)
return 1
