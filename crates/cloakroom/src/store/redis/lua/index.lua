-- Enters a session into the index of its subject, where that is in another slot.
-- ARGV: now, slack, handle, end of the entry.

index(KEYS[1], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[1]), tonumber(ARGV[2]))
return 1
