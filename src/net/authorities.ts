import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';

import { NetworkFailure } from './network-failure.js';

/**
 * The authorities to believe besides Node's own: those in `SSL_CERT_FILE`, which curl, git and Python read too. Undefined:
 * Node's own, with those of `NODE_EXTRA_CA_CERTS`.
 */
export function extraAuthorities(): string[] | undefined {
  const path = process.env['SSL_CERT_FILE'];
  if (path === undefined || path === '') return undefined;
  const extra = process.env['NODE_EXTRA_CA_CERTS'];
  try {
    // A list replaces Node's own, and what Node has read for NODE_EXTRA_CA_CERTS with it.
    const files = [path, ...(extra === undefined || extra === '' ? [] : [extra])];
    return [...rootCertificates, ...files.map((file) => readFileSync(file, 'utf8'))];
  } catch (error) {
    throw new NetworkFailure(
      `the certificates of SSL_CERT_FILE cannot be read (${(error as Error).message})`,
      {
        kind: 'certificate',
        isTransient: false,
        cause: error,
      },
    );
  }
}
