-- KEYS[1]: what we know of a session, a hash. The session itself lies at a key that the hash names, or that
-- belongs to the ID that was presented; which is why this needs a server that has all keys.
-- ARGV: prefix of Litestar's keys, prefix of our marks, presented ID or nothing, now, how long to remember (ms),
-- lifetime where the server has none (ms).

local known_at, theirs, marks = KEYS[1], ARGV[1], ARGV[2]
local presented, now, keep = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

local function digits(number)
  return string.format('%.0f', number)
end

local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Where the sessions of a subject are noted.
local function index(tag)
  return string.sub(known_at, 1, -36) .. ':u:' .. tag
end

-- Takes the session out of the index.
local function leave()
  local tag = redis.call('HGET', known_at, 'subject')
  if tag and tag ~= '' then
    redis.call('SREM', index(tag), string.sub(known_at, -32))
  end
end

-- Keeps what we know for so long, and the session in the index at least as long, also where that has lost it.
local function retain(tag, life)
  redis.call('PEXPIRE', known_at, digits(life))
  if tag and tag ~= '' then
    redis.call('SADD', index(tag), string.sub(known_at, -32))
    if redis.call('PTTL', index(tag)) < life then
      redis.call('PEXPIRE', index(tag), digits(life))
    end
  end
end

local function mark(id)
  return marks .. redis.sha1hex(id)
end

-- Ends the use of an ID, also for a Litestar request that writes it back.
local function give_up(id)
  redis.call('DEL', theirs .. id)
  redis.call('SET', mark(id), '', 'PX', digits(keep))
end

-- What is there now. Whatever was written back under an ID that has ended is removed.
local function look()
  local f = redis.call('HMGET', known_at, 'key', 'revision', 'digest', 'idle', 'absolute', 'expiry', 'subject',
    'ended', 'record', 'any', 'over')
  local it = { state = f[11] or 'absent', key = f[1], known = f[1], ended = f[8], any = f[10], record = f[9] }
  if presented ~= '' and presented ~= f[1] then
    if redis.call('EXISTS', mark(presented)) == 1 or it.any then
      if redis.call('EXISTS', theirs .. presented) == 1 then
        give_up(presented)
        if it.ended then
          redis.call('PEXPIRE', known_at, digits(keep))
        end
      end
      if not it.known then
        it.state = 'ended'
        return it
      end
    end
  end
  if it.ended then
    it.state = 'ended'
    return it
  end
  it.key = it.known or (presented ~= '' and presented)
  if not it.key then
    return it
  end
  it.value = redis.call('GET', theirs .. it.key)
  if not it.value then
    if it.known then
      -- It has expired, or Litestar ended it: what is put there later is another's.
      it.state = tonumber(f[4]) <= now and 'expired' or 'absent'
      leave()
      redis.call('DEL', known_at)
      redis.call('HSET', known_at, 'over', it.state)
      redis.call('PEXPIRE', known_at, digits(keep))
    end
    return it
  end
  it.digest = redis.sha1hex(it.value)
  it.left = redis.call('PTTL', theirs .. it.key)
  it.absolute = tonumber(f[5] or '')
  local ends = clock() + it.left
  -- By how much somebody else moved the end, in the server's own time: the caller's clock may be another.
  local moved = it.known and it.left >= 0 and ends - tonumber(f[6]) or 0
  if math.abs(moved) <= 50 then
    moved = 0
  end
  if it.known then
    it.revision = it.digest == f[3] and f[2] or string.sub(it.digest, 1, 16)
    it.idle = tonumber(f[4]) + moved
    if moved ~= 0 then
      -- Of use and not of need: a server without memory refuses it, and is read from all the same.
      if type(redis.pcall('HSET', known_at, 'idle', digits(it.idle), 'expiry', digits(ends))) == 'number' then
        retain(f[7], it.left + keep)
      end
    end
  else
    it.revision = string.sub(it.digest, 1, 16)
    it.idle = now + (it.left >= 0 and it.left or tonumber(ARGV[6]))
  end
  if math.min(it.idle, it.absolute or it.idle) <= now then
    it.state = 'expired'
  elseif it.value == '{}' and (f[7] or '') == '' then
    it.state = 'empty'
  else
    it.state = 'live'
  end
  return it
end

local function bury(it, why)
  leave()
  redis.call('DEL', known_at)
  redis.call('HSET', known_at, 'ended', why)
  if it.key then
    give_up(it.key)
  else
    redis.call('HSET', known_at, 'any', '1')
  end
  redis.call('PEXPIRE', known_at, digits(keep))
end

-- ARGV from 7: value, record, revision, idle deadline, absolute deadline or nothing, end, seconds to live,
-- what the index calls who is signed in, or nothing.
local function put(id)
  local left = tonumber(ARGV[13]) * 1000
  redis.call('SET', theirs .. id, ARGV[7], 'EX', ARGV[13])
  redis.call('DEL', mark(id))
  leave()
  redis.call('HDEL', known_at, 'ended', 'any', 'over')
  redis.call('HSET', known_at, 'key', id, 'revision', ARGV[9], 'digest', redis.sha1hex(ARGV[7]), 'idle', ARGV[10],
    'absolute', ARGV[11], 'expiry', digits(clock() + left), 'subject', ARGV[14], 'record', ARGV[8])
  retain(ARGV[14], left + keep)
end
