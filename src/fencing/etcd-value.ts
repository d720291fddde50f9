import { parseAddress } from '../core/address.js';
import { etcdConfig } from '../backends/etcd/config.js';
import { etcdError } from '../backends/etcd/errors.js';
import { EtcdClient } from '../backends/etcd/client.js';
import type { Message } from '../backends/etcd/protobuf.js';
import { isAbsent, isValueBelow, txnResult } from '../backends/etcd/requests.js';
import { systemClock } from '../platform/clock.js';
import { SERVER_ANSWER_MS } from '../net/within.js';
import type { FencedStore } from './fenced-update.js';

/** Values are compared byte by byte: digits of one length compare as numbers do. A revision has at most 19. */
const DIGITS = 20;

/**
 * A key of an etcd cluster, with the token of its last writer in `KEY/fence` beside it; one transaction compares
 * and writes.
 *
 * @param address `etcd://host:port#KEY`, credentials as in the address of a lock.
 * @throws TypeError for an address that is incomplete or has an unknown parameter.
 */
export function etcdValue(address: string): FencedStore<string> & AsyncDisposable {
  const { target, name: key, display } = parseAddress(address);
  const config = etcdConfig(target);
  const client = new EtcdClient(config, systemClock);
  const fence = `${key}/fence`;
  return {
    name: display,
    async write(token, value) {
      const puts = [{ put: { key: fence, value: padded(token) } }, { put: { key, value } }];
      // A key that is not there compares with nothing: the first write has a transaction of its own, inside.
      const first = { txn: { compare: [isAbsent(fence)], success: puts, failure: [] } };
      const txn = { compare: [isValueBelow(fence, padded(token + 1n))], success: puts, failure: [first] };
      try {
        const answer = await client.call('txn', txn, SERVER_ANSWER_MS);
        return txnResult(answer).isSuccess || isFirst(answer) ? 'written' : 'stale';
      } catch (error) {
        throw etcdError(error, display, config.server);
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(client.close()),
  };
}

function isFirst(answer: Message): boolean {
  const [response] = answer['responses'] as readonly Message[];
  return (response?.['txn'] as Message | undefined)?.['succeeded'] === true;
}

function padded(token: bigint): string {
  return token.toString().padStart(DIGITS, '0');
}
