import type { Field, Message, Schema } from './protobuf.js';

/** etcd's `rpc.proto` and `kv.proto`, as far as it is used here. Names are ours, numbers are etcd's. */

const int = (no: number): Field => ({ no, kind: 'int' });
const bool = (no: number): Field => ({ no, kind: 'bool' });
const text = (no: number): Field => ({ no, kind: 'text' });
const one = (no: number, kind: Schema): Field => ({ no, kind });
const list = (no: number, kind: Field['kind']): Field => ({ no, kind, isList: true });

const header = one(1, { revision: int(3) });
const keyValue: Schema = {
  key: text(1),
  createRevision: int(2),
  modRevision: int(3),
  value: text(5),
  lease: int(6),
};
const range: Schema = {
  key: text(1),
  end: text(2),
  limit: int(3),
  order: int(5),
  target: int(6),
  keysOnly: bool(8),
  maxCreateRevision: int(13),
};
const rangeResponse: Schema = { header, kvs: list(2, keyValue) };
const put: Schema = { key: text(1), value: text(2), lease: int(3) };
const deletion: Schema = { key: text(1) };
const deletionResponse: Schema = { header, deleted: int(2) };
const compare: Schema = {
  result: int(1),
  target: int(2),
  key: text(3),
  version: int(4),
  createRevision: int(5),
  value: text(7),
  lease: int(8),
  end: text(64),
};

const operations = { range: one(1, range), put: one(2, put), deletion: one(3, deletion) };
const transaction = (operation: Schema): Schema => ({
  compare: list(1, compare),
  success: list(2, operation),
  failure: list(3, operation),
});
const results = { range: one(1, rangeResponse), deletion: one(3, deletionResponse) };
const transactionResponse = (result: Schema): Schema => ({
  header,
  succeeded: bool(2),
  responses: list(3, result),
});
// A transaction in a branch of another: one level is enough.
const txn = transaction({ ...operations, txn: one(4, transaction(operations)) });
const txnResponse = transactionResponse({ ...results, txn: one(4, transactionResponse(results)) });

export interface Method {
  readonly path: string;
  readonly request: Schema;
  readonly response: Schema;
}

const method = (name: string, request: Schema, response: Schema): Method => ({
  path: `/etcdserverpb.${name}`,
  request,
  response,
});

/** Each may be carried out twice without harm. */
export const METHODS = {
  range: method('KV/Range', range, rangeResponse),
  put: method('KV/Put', put, { header }),
  deletion: method('KV/DeleteRange', deletion, deletionResponse),
  txn: method('KV/Txn', txn, txnResponse),
  grantLease: method('Lease/LeaseGrant', { ttl: int(1), id: int(2) }, { header, id: int(2), ttl: int(3) }),
  revokeLease: method('Lease/LeaseRevoke', { id: int(1) }, { header }),
  keepAlive: method('Lease/LeaseKeepAlive', { id: int(1) }, { header, id: int(2), ttl: int(3) }),
  leaseTime: method('Lease/LeaseTimeToLive', { id: int(1) }, { header, ttl: int(3), grantedTtl: int(4) }),
  authenticate: method('Auth/Authenticate', { name: text(1), password: text(2) }, { header, token: text(2) }),
  status: method('Maintenance/Status', {}, { header, version: text(2), leader: int(4) }),
} as const;

export type MethodName = keyof typeof METHODS;

export const WATCH = method(
  'Watch/Watch',
  {
    create: one(1, {
      key: text(1),
      end: text(2),
      startRevision: int(3),
      filters: list(5, 'int'),
      watchId: int(7),
    }),
    cancel: one(2, { watchId: int(1) }),
    progress: one(3, {}),
  },
  {
    header,
    watchId: int(2),
    canceled: bool(4),
    compactRevision: int(5),
    cancelReason: text(6),
    events: list(11, { type: int(1), kv: one(2, keyValue) }),
  },
);
export const NO_PUTS = 0;
export const DELETED = 1n;

/** A number of an answer; what is zero is left out by the server. */
export const numberOf = (value: unknown): bigint => (value as bigint | undefined) ?? 0n;

export const revisionOf = (answer: Message): bigint =>
  numberOf((answer['header'] as Message | undefined)?.['revision']);
