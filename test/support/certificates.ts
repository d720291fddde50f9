import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { serverDirectory } from './engines.js';

export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

export interface Authority {
  readonly certificate: string;
  /** A certificate for `name`, good for servers on 127.0.0.1 and for clients. */
  issue(name: string, usage?: string): Pair;
  remove(): void;
}

/** An authority of our own, in files that every server can read. */
export function createAuthority(): Authority {
  const directory = serverDirectory();
  chmodSync(directory.path, 0o755);
  const at = (name: string): string => join(directory.path, name);
  const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { stdio: 'pipe' });
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const root = ['-subj', '/CN=test authority', '-keyout', at('ca.key'), '-out', at('ca.pem')];
  openssl('req', '-x509', ...curve, '-days', '2', ...root);
  return {
    certificate: at('ca.pem'),
    issue: (name, usage = 'serverAuth,clientAuth') => {
      const pair = { certificate: at(`${name}.pem`), key: at(`${name}.key`) };
      openssl('req', ...curve, '-subj', `/CN=${name}`, '-keyout', pair.key, '-out', at(`${name}.csr`));
      writeFileSync(at('ext'), `subjectAltName=IP:127.0.0.1\nextendedKeyUsage=${usage}\n`);
      const by = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2'];
      openssl(
        'x509',
        '-req',
        '-in',
        at(`${name}.csr`),
        ...by,
        '-extfile',
        at('ext'),
        '-out',
        pair.certificate,
      );
      return pair;
    },
    remove: directory.remove,
  };
}

/** Postgres refuses a key that is not its own user's. */
export function asPostgresOwns(key: string): string {
  const copy = `${key}.postgres`;
  copyFileSync(key, copy);
  chmodSync(copy, 0o600);
  if (process.getuid?.() === 0) {
    const id = Number(execFileSync('id', ['-u', 'postgres']).toString());
    chownSync(copy, id, id);
  }
  return copy;
}
