import { ENGINES, type Scheme } from './address.js';

/**
 * A server of an engine in one spelling: with its port and database, without credentials, which do not part its locks.
 * (On PostgreSQL the user names the database where none is given.)
 */
export function canonicalServer(target: string): string {
  const [, scheme = '', authority = '', rest = ''] = /^([a-z0-9]+):\/\/([^/?#]*)(.*)$/s.exec(target) ?? [];
  if (scheme === 's3') return canonicalBucket(authority, rest);
  const engine = ENGINES[scheme] ?? 'path';
  const hosts = authority.slice(authority.lastIndexOf('@') + 1).toLowerCase();
  const ports: Partial<Record<Scheme, string>> = { etcd: '2379', redis: '6379', postgres: '5432' };
  const members = hosts.split(',').map((host) => (/:\d+$/.test(host) ? host : `${host}:${ports[engine]}`));
  const parameters = new URLSearchParams(/\?(.*)$/s.exec(rest)?.[1]);
  const database = parameters.get('db') ?? /^\/([^?]*)/.exec(rest)?.[1] ?? '';
  const user = authority.includes('@') ? (authority.split(/[:@]/)[0] ?? '') : '';
  const fallback = engine === 'redis' ? '0' : engine === 'postgres' ? user : '';
  const [socket, port] = [parameters.get('socket') ?? parameters.get('host'), parameters.get('port')];
  const server = socket === null ? members.toSorted().join(',') : `${socket}:${port ?? ports[engine]}`;
  return `${engine}://${server}/${database === '' ? fallback : database}`;
}

/** A bucket at one endpoint. Region and profile only say how it is reached. */
function canonicalBucket(bucket: string, rest: string): string {
  const [, path = '', query = ''] = /^([^?]*)(?:\?(.*))?$/s.exec(rest) ?? [];
  const endpoint = new URLSearchParams(query).get('endpoint') ?? '';
  return `s3://${bucket}/${path.replace(/^\/+|\/+$/g, '')}?${endpoint}`;
}
