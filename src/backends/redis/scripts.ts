import { createHash } from 'node:crypto';

/** A Lua script. The server runs it alone from its first line to its last, which is what decides who holds. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

function script(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

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

/** A released lock is told to those who wait. Who may not publish must still be able to release. */
const TELL = `
local function tell(channel) redis.pcall('PUBLISH', channel, '') end`;

/**
 * KEYS lock token; ARGV holder lease-ms note. {1, token} when held now: the same holder asking again has had its
 * reply lost, and gets its token again. {0, record, ms-left} when somebody else holds.
 * The record is \`holder token\\nnote\`; both GETs come before the first write, so a foreign key type changes nothing.
 */
export const TAKE = script(`${NEXT_TOKEN}
local held = redis.call('GET', KEYS[1])
if held then
  if string.sub(held, 1, #ARGV[1]) == ARGV[1] then return {1, redis.call('GET', KEYS[2])} end
  return {0, held, redis.call('PTTL', KEYS[1])}
end
local token = next_token(KEYS[2])
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. token .. '\\n' .. ARGV[3], 'PX', ARGV[2])
return {1, token}`);

/** KEYS lock; ARGV holder channel. 1 when this holder's lock was deleted, 0 when there was nothing of its own. */
export const RELEASE = script(`${TELL}
local held = redis.call('GET', KEYS[1])
if not held or string.sub(held, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
tell(ARGV[2])
return 1`);

/** KEYS lock; ARGV holder lease-ms. 1 extended, 0 somebody else has it, -1 there is no lock any more. */
export const RENEW = script(`
local held = redis.call('GET', KEYS[1])
if not held then return -1 end
if string.sub(held, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`);

/**
 * KEYS lock; ARGV holder revoked-holder note. Puts a record of nobody in place of the holder's, for the rest of its
 * time: its next renewal fails, and the others wait until it cannot believe any more.
 */
export const REVOKE = script(`
local held = redis.call('GET', KEYS[1])
if not held or string.sub(held, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
local token = string.match(held, ' (%d+)\\n')
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. token .. '\\n' .. ARGV[3], 'PX', math.max(redis.call('PTTL', KEYS[1]), 1))
return 1`);

/** Holders of permits whose time is up, by the server's clock, leave. */
const EXPIRE_PERMITS = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  redis.call('ZREM', KEYS[1], gone)
  redis.call('HDEL', KEYS[2], gone)
end`;

/**
 * KEYS permits holders token; ARGV holder lease-ms note limit. {1, token} when granted, {0, '', ms-left of the first
 * to expire} when all are out, {-1, limit} when the others count differently.
 */
export const TAKE_PERMIT = script(`${NEXT_TOKEN}${EXPIRE_PERMITS}
local mine = redis.call('HGET', KEYS[2], ARGV[1])
if mine then return {1, string.match(mine, '^%d+')} end
local count = redis.call('ZCARD', KEYS[1])
if count > 0 then
  local limit = redis.call('HGET', KEYS[2], 'limit')
  if limit ~= ARGV[4] then return {-1, limit or ''} end
  if count >= tonumber(ARGV[4]) then
    local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
    return {0, '', first[2] - now}
  end
end
local token = next_token(KEYS[3])
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('HSET', KEYS[2], 'limit', ARGV[4], ARGV[1], token .. '\\n' .. ARGV[3])
return {1, token}`);

/** KEYS permits holders; ARGV holder channel. */
export const RELEASE_PERMIT = script(`${TELL}
redis.call('HDEL', KEYS[2], ARGV[1])
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
if redis.call('ZCARD', KEYS[1]) == 0 then redis.call('DEL', KEYS[2]) end
tell(ARGV[2])
return 1`);

/** KEYS permits holders; ARGV holder lease-ms. An expired permit is gone even where nobody has taken it yet. */
export const RENEW_PERMIT = script(`${EXPIRE_PERMITS}
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return -1 end
redis.call('ZADD', KEYS[1], 'XX', now + ARGV[2], ARGV[1])
return 1`);
