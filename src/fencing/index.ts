export { fencedUpdate, type FencedStore, type FencedWrite, type TokenHolder } from './fenced-update.js';
export { sqlRow, type SqlClient, type SqlRowOptions } from './sql-row.js';
export { redisValue, type RedisScriptClient } from './redis-value.js';
export { etcdValue } from './etcd-value.js';
export { s3Object, type S3Change } from './s3-object.js';
export type { S3ClientLike } from '../backends/s3/borrowed.js';
export { FENCING_HEADER, fencingTokenOf, httpResource, type HttpChange } from './http-resource.js';
