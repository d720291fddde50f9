import { createHash } from 'node:crypto';

/** A Lua script. The server runs it alone from its first line to its last, which is what decides the holder. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

function script(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

/**
 * Opens every record of a lock, and the limit of permits. Every format uses the same keys, so that one format always
 * finds the holders of another; it refuses what it cannot read.
 */
export const FORMAT = '1';

/**
 * The next token: above the last one even where the clock was set back, and above the clock's microseconds even
 * where the counter was lost with the data. A double holds microseconds until the year 2255.
 */
const NEXT_TOKEN = `
local function next_token(key)
  local time = redis.call('TIME')
  local token = time[1] * 1000000 + time[2]
  local last = tonumber(redis.call('GET', key) or '0')
  if last >= token then token = last + 1 end
  local text = string.format('%.0f', token)
  redis.call('SET', key, text)
  return text
end`;

/** Waiters and holders are notified. A user that may not publish must still be able to release and to break. */
const PUBLISH = `
local function publish(channel, text) redis.pcall('PUBLISH', channel, text) end`;

/** Whether a record is that of one holder. A key of another type has none. */
const IS_OF = `
local function is_of(record, holder)
  local start = '${FORMAT} ' .. holder .. ' '
  return type(record) == 'string' and string.sub(record, 1, #start) == start
end`;

/**
 * KEYS lock token; ARGV holder lease-ms note. {1, token} when held now: the same holder asking again has had its
 * reply lost, and gets its token again. {0, record, ms-left} when another holder has it.
 * The record is \`format holder token\\nnote\`; both GETs come before the first write, so a foreign key type changes nothing.
 */
export const TAKE = script(`${NEXT_TOKEN}${IS_OF}
local held = redis.call('GET', KEYS[1])
if held then
  if is_of(held, ARGV[1]) then return {1, redis.call('GET', KEYS[2])} end
  return {0, held, redis.call('PTTL', KEYS[1])}
end
local token = next_token(KEYS[2])
redis.call('SET', KEYS[1], '${FORMAT} ' .. ARGV[1] .. ' ' .. token .. '\\n' .. ARGV[3], 'PX', ARGV[2])
return {1, token}`);

/**
 * KEYS lock tick; ARGV holder tick. `claimed`, the last tick when that is not below, or `lost` when another holds. A double
 * holds every safe integer.
 */
export const CLAIM_TICK = script(`${IS_OF}
if not is_of(redis.call('GET', KEYS[1]), ARGV[1]) then return 'lost' end
local last = redis.call('GET', KEYS[2])
if last and tonumber(last) >= tonumber(ARGV[2]) then return last end
redis.call('SET', KEYS[2], ARGV[2])
return 'claimed'`);

/** KEYS lock; ARGV holder channel broken-channel. 1 when this holder's lock was deleted, 0 when there was nothing of its own. */
export const RELEASE = script(`${PUBLISH}${IS_OF}
local held = redis.call('GET', KEYS[1])
if not is_of(held, ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
publish(ARGV[2], '')
if ARGV[3] ~= '' then publish(ARGV[3], ARGV[1]) end
return 1`);

/**
 * KEYS lock; ARGV holder revoked-holder broken-channel. Puts a record without a holder in place of the holder's, for the rest of
 * its time: its holder is notified, and the others wait until it cannot believe any more.
 */
export const REVOKE = script(`${PUBLISH}${IS_OF}
local held = redis.call('GET', KEYS[1])
if not is_of(held, ARGV[1]) then return 0 end
local token = string.match(held, ' (%d+)\\n')
redis.call('SET', KEYS[1], '${FORMAT} ' .. ARGV[2] .. ' ' .. token .. '\\n{}', 'PX', math.max(redis.call('PTTL', KEYS[1]), 1))
publish(ARGV[3], ARGV[1])
return 1`);

/** Holders of permits whose time is up, by the server's clock, leave; with the last of them both keys do. */
const EXPIRE_PERMITS = `
local function expire_with_last(permits, holders, now)
  local last = redis.call('ZRANGE', permits, -1, -1, 'WITHSCORES')
  local left = math.max(last[2] - now, 1)
  redis.call('PEXPIRE', permits, left)
  redis.call('PEXPIRE', holders, left)
end
local function expire_permits(permits, holders)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', permits, '-inf', now)) do
    redis.call('ZREM', permits, gone)
    redis.call('HDEL', holders, gone)
  end
  return now
end`;

/**
 * KEYS permits holders token; ARGV holder lease-ms note limit. {1, token} when granted, {0, '', ms-left of the first
 * to expire} when all are out, {-1, format/limit} when the others count differently.
 */
export const TAKE_PERMIT = script(`${NEXT_TOKEN}${EXPIRE_PERMITS}
local now = expire_permits(KEYS[1], KEYS[2])
local mine = redis.call('HGET', KEYS[2], ARGV[1])
if mine then return {1, string.match(mine, '^%d+')} end
local count = redis.call('ZCARD', KEYS[1])
local wanted = '${FORMAT}/' .. ARGV[4]
if count > 0 then
  local limit = redis.call('HGET', KEYS[2], 'limit')
  if limit ~= wanted then return {-1, limit or ''} end
  if count >= tonumber(ARGV[4]) then
    local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
    return {0, '', first[2] - now}
  end
end
local token = next_token(KEYS[3])
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('HSET', KEYS[2], 'limit', wanted, ARGV[1], token .. '\\n' .. ARGV[3])
expire_with_last(KEYS[1], KEYS[2], now)
return {1, token}`);

/** KEYS permits holders; ARGV holder channel broken-channel. */
export const RELEASE_PERMIT = script(`${PUBLISH}
redis.call('HDEL', KEYS[2], ARGV[1])
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
if redis.call('ZCARD', KEYS[1]) == 0 then redis.call('DEL', KEYS[2]) end
publish(ARGV[2], '')
if ARGV[3] ~= '' then publish(ARGV[3], ARGV[1]) end
return 1`);

/** KEYS permits holders; ARGV holder revoked-holder broken-channel. The permit stays out until its time is up. */
export const REVOKE_PERMIT = script(`${PUBLISH}
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not ends then return 0 end
local token = string.match(redis.call('HGET', KEYS[2], ARGV[1]) or '0', '^%d+')
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[1], ends, ARGV[2])
redis.call('HSET', KEYS[2], ARGV[2], token .. '\\n{}')
publish(ARGV[3], ARGV[1])
return 1`);

/**
 * Many claims at once. ARGV of each: kind holder lease-ms, KEYS: \`lock\` its key, \`permit\` its permits and holders. With
 * a lease of 0 it only looks. 1 held (and extended), 0 another holder has it, -1 it is gone. What is read last is what the
 * server notifies us about when it changes (client tracking), so a key is read again after it was written.
 */
export const EXTEND_ALL = script(`${EXPIRE_PERMITS}${IS_OF}
local function extend_lock(key, holder, lease)
  local held = redis.pcall('GET', key)
  if not is_of(held, holder) then return type(held) == 'string' and 0 or -1 end
  if lease ~= '0' then
    redis.call('PEXPIRE', key, lease)
    redis.call('GET', key)
  end
  return 1
end
local function extend_permit(permits, holders, holder, lease)
  local now = expire_permits(permits, holders)
  if not redis.call('ZSCORE', permits, holder) then return -1 end
  if lease ~= '0' then
    redis.call('ZADD', permits, 'XX', now + lease, holder)
    expire_with_last(permits, holders, now)
    redis.call('ZSCORE', permits, holder)
  end
  return 1
end
local outcomes, key = {}, 1
for i = 1, #ARGV, 3 do
  if ARGV[i] == 'lock' then
    outcomes[#outcomes + 1] = extend_lock(KEYS[key], ARGV[i + 1], ARGV[i + 2])
    key = key + 1
  else
    outcomes[#outcomes + 1] = extend_permit(KEYS[key], KEYS[key + 1], ARGV[i + 1], ARGV[i + 2])
    key = key + 2
  end
end
return outcomes`);
