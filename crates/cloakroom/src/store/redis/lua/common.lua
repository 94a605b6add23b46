-- Stands before each script. Numbers of 48 bits are exact in Lua's doubles; revisions have 64 bits, and stay
-- strings.

local function big(bytes, at)
  local a, b, c, d, e, f = string.byte(bytes, at, at + 5)
  return ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
end

local function little(bytes, at, length)
  local sum = 0
  for place = at + length - 1, at, -1 do
    sum = sum * 256 + string.byte(bytes, place)
  end
  return sum
end

local function six(number)
  local bytes = {}
  for place = 6, 1, -1 do
    bytes[place] = number % 256
    number = math.floor(number / 256)
  end
  return string.char(unpack(bytes))
end

local function digits(number)
  return string.format('%.0f', number)
end

-- What a value is at `now`: its `state` is none, expired, live or corrupt.
local function look(value, now)
  if not value then
    return { state = 'none' }
  end
  local kind = string.sub(value, 1, 1)
  if kind == ENDED then
    return { state = 'none' }
  end
  local head = kind == ANONYMOUS and ANONYMOUS_HEAD or kind == SIGNED_IN and SIGNED_IN_HEAD
  if not head or #value < head + ABSOLUTE_AT then
    return { state = 'corrupt' }
  end
  local found = { idle = big(value, 2), record = head + 1 }
  if math.floor(string.byte(value, found.record + FLAGS_AT) / HAS_ABSOLUTE) % 2 == 1 then
    if #value < head + ABSOLUTE_AT + 6 then
      return { state = 'corrupt' }
    end
    found.absolute = little(value, found.record + ABSOLUTE_AT, 6)
  end
  if kind == SIGNED_IN then
    found.indexed = big(value, 8)
    found.subject = string.sub(value, 14, 29)
  end
  local expires = math.min(found.idle, found.absolute or found.idle)
  found.state = expires > now and 'live' or 'expired'
  return found
end

local function revision(value, found)
  local at = found.record + REVISION_AT
  return string.sub(value, at, at + 7)
end

-- Enters a session into the index of its subject, and takes out those whose time has passed, also for whoever
-- has a clock that is behind.
local function index(key, handle, until_, now, slack)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. digits(math.max(now - slack, 0)))
  redis.call('ZADD', key, 'GT', digits(until_), handle)
  local life = until_ - now + slack
  if redis.call('PTTL', key) < life then
    redis.call('PEXPIRE', key, digits(life))
  end
end

-- Enters a session that is there into the index again, should that have lost it.
local function keep_indexed(key, handle, until_, now, slack)
  -- Where it cannot be told the visitor is served all the same; a list fails by itself if the index is broken.
  if redis.pcall('ZADD', key, 'GT', 'CH', digits(until_), handle) == 1 then
    index(key, handle, until_, now, slack)
  end
end

-- A renewal is told the key of the session alone. The others are made of it, and of the subject that is found.
local function index_of(subject)
  local hex = string.gsub(subject, '.', function(byte)
    return string.format('%02x', string.byte(byte))
  end)
  return string.sub(KEYS[1], 1, -2 - 32 - #SESSION_KEY) .. INDEX_KEY .. hex .. '}'
end

local function own_handle()
  local bytes = string.gsub(string.sub(KEYS[1], -33, -2), '..', function(pair)
    return string.char(tonumber(pair, 16))
  end)
  return bytes
end

-- Moves the idle deadline. Returns the value as it is then; nothing if the index would forget the session
-- before it ends, and no `grant` says otherwise. `whole` says whether this server has the index as well ('1').
local function move(value, found, deadline, now, slack, whole, grant)
  local expires = math.min(deadline, found.absolute or deadline)
  local indexed = ''
  if found.subject then
    if expires > found.indexed then
      if not grant or grant.revision ~= revision(value, found) or expires > grant.until_ then
        return nil
      end
      if KEYS[2] then
        index(KEYS[2], grant.handle, grant.until_, now, slack)
      end
      indexed = six(grant.until_)
    elseif whole == '1' then
      keep_indexed(index_of(found.subject), own_handle(), found.indexed, now, slack)
    end
  end
  local moved = six(deadline) .. indexed
  redis.call('SETRANGE', KEYS[1], 1, moved)
  redis.call('PEXPIRE', KEYS[1], digits(math.max(expires - now, 0) + slack))
  return string.sub(value, 1, 1) .. moved .. string.sub(value, 2 + #moved)
end

local function grant_from(first)
  if ARGV[first] then
    return { revision = ARGV[first], until_ = tonumber(ARGV[first + 1]), handle = ARGV[first + 2] }
  end
end

local function message(failure)
  return type(failure) == 'table' and failure.err or tostring(failure)
end

-- Whether an error says that the server is at its memory limit.
local function is_full(failure)
  return string.find(message(failure), 'OOM', 1, true) ~= nil
end

-- Puts in place of a session why it ended, for as long as that is remembered. A full server forgets why, but a
-- session ends also there.
local function bury(stone, remember)
  local failure
  if remember > 0 then
    local answer = redis.pcall('SET', KEYS[1], stone, 'PX', digits(remember))
    failure = type(answer) == 'table' and answer.err and answer
  end
  if failure and not is_full(failure) then
    error(message(failure))
  end
  if failure or remember == 0 then
    redis.call('DEL', KEYS[1])
  end
end

-- Writes to what is left of a session, and changes nothing: `WAIT` waits for what its connection has written.
local function bury_again(remember)
  local left = redis.call('PTTL', KEYS[1])
  redis.call('PEXPIRE', KEYS[1], digits(left > 0 and left or remember))
end
