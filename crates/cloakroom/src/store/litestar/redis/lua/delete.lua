-- ARGV[7]: why. Returns 1, or 0 if there was no live session.
local it = look()
if it.state == 'ended' then
  return 0
end
bury(it, ARGV[7])
return it.state == 'live' and 1 or 0
