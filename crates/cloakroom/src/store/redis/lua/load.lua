-- After `load_early.lua`: the renewal is due, if the session lives.

local slack = tonumber(ARGV[2])
local found = look(value, now)
if found.state ~= 'live' then
  return value
end
local done, renewed = pcall(move, value, found, deadline, now, slack, ARGV[5], grant_from(6))
if done then
  return renewed or { value }
end
-- A full server still serves whoever is there.
if is_full(renewed) then
  return value
end
error(message(renewed))
