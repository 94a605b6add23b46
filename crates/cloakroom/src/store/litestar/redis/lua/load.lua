-- Returns state, value, record, revision, idle deadline, reason of the end.
local it = look()
return { it.state, it.value or '', it.record or '', it.revision or '', digits(it.idle or 0), not it.any and it.ended or '' }
