import type { FencedStore } from './fenced-update.js';

/** As much of a node-redis client as a script needs. */
export interface RedisScriptClient {
  /**
   * Sends one command and resolves with the reply.
   *
   * @throws what the client throws.
   */
  sendCommand(args: readonly string[]): Promise<unknown>;
}

/**
 * Tokens are compared as text, longer or later in the alphabet being higher: Lua's numbers lose digits above 2^53.
 * KEYS value fence; ARGV token value.
 */
const WRITE = `
local last = redis.call('GET', KEYS[2]) or '0'
if #last > #ARGV[1] or (#last == #ARGV[1] and last > ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1])
redis.call('SET', KEYS[1], ARGV[2])
return 1`;

/**
 * A string key, with the token of its last writer in `KEY:fence` beside it. The server runs comparison and write
 * as one script. In a cluster the key needs a hash tag, so that both live on one server. Never throws; its writes
 * do.
 */
export function redisValue(client: RedisScriptClient, key: string): FencedStore<string> {
  return {
    name: key,
    async write(token, value) {
      const reply = await client.sendCommand([
        'EVAL',
        WRITE,
        '2',
        key,
        `${key}:fence`,
        token.toString(),
        value,
      ]);
      return Number(reply) === 1 ? 'written' : 'stale';
    },
  };
}
