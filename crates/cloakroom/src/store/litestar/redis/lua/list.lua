-- What load.lua returns, for each of KEYS. ARGV from 7: the ID of each, or nothing. What is no text at all is none.
local all = {}
for number, at in ipairs(KEYS) do
  known_at, presented = at, ARGV[6 + number]
  if presented ~= '' and redis.call('TYPE', theirs .. presented).ok ~= 'string' then
    all[number] = { 'absent', '', '', '', '0', '' }
  else
    local it = look()
    all[number] =
      { it.state, it.value or '', it.record or '', it.revision or '', digits(it.idle or 0), not it.any and it.ended or '' }
  end
end
return all
