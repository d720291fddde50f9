import { parseAddress } from '../core/address.js';
import { etcdConfig } from '../backends/etcd/config.js';
import { etcdError } from '../backends/etcd/errors.js';
import { Gateway, type Json } from '../backends/etcd/gateway.js';
import { isAbsent, putRequest, txnResult } from '../backends/etcd/requests.js';
import { systemClock } from '../platform/clock.js';
import { SERVER_ANSWER_MS } from '../net/within.js';
import type { FencedStore } from './fenced-update.js';

/** Values are compared byte by byte: digits of one length compare as numbers do. A revision has at most 19. */
const DIGITS = 20;

/**
 * A key of an etcd cluster, with the token of its last writer in `KEY/fence` beside it; one transaction compares and
 * writes.
 *
 * @param address `etcd://host:port#KEY`, credentials as in the address of a lock.
 */
export function etcdValue(address: string): FencedStore<string> & AsyncDisposable {
  const { target, name: key, display } = parseAddress(address);
  const config = etcdConfig(target);
  const gateway = new Gateway(config, systemClock);
  const fence = `${key}/fence`;
  return {
    name: display,
    async write(token, value) {
      const puts = [
        { request_put: putRequest(fence, padded(token), '0') },
        { request_put: putRequest(key, value, '0') },
      ];
      // A key that is not there compares with nothing: the first write has a transaction of its own, inside.
      const first = { request_txn: { compare: [isAbsent(fence)], success: puts } };
      const txn = { compare: [isBelow(fence, token + 1n)], success: puts, failure: [first] };
      try {
        const answer = await gateway.call('/v3/kv/txn', txn, SERVER_ANSWER_MS);
        return txnResult(answer).isSuccess || isFirst(answer) ? 'written' : 'stale';
      } catch (error) {
        throw etcdError(error, display, config.server);
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(gateway.close()),
  };
}

function isBelow(key: string, token: bigint): Json {
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  return { key: encode(key), target: 'VALUE', result: 'LESS', value: encode(padded(token)) };
}

function isFirst(answer: Json): boolean {
  const [response] = (answer['responses'] ?? []) as readonly Json[];
  return (response?.['response_txn'] as Json | undefined)?.['succeeded'] === true;
}

function padded(token: bigint): string {
  return token.toString().padStart(DIGITS, '0');
}
