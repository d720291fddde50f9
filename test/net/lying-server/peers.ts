import { got } from 'got';
import makeFetchHappen from 'make-fetch-happen';

import type { Peer } from './cases.js';

/** The body, or undefined for an error: one attempt, nothing cached. */
export type Client = (url: string, certificate?: string) => Promise<string | undefined>;

export const PEERS: Readonly<Record<Peer, Client>> = {
  got: (url, certificate) =>
    verdict(
      got(url, {
        retry: { limit: 0 },
        ...(certificate !== undefined && { https: { certificateAuthority: certificate } }),
      }).text(),
    ),
  'make-fetch-happen': (url, certificate) =>
    verdict(
      makeFetchHappen(url, { retry: false, ...(certificate !== undefined && { ca: certificate }) }).then(
        (answer) => {
          if (!answer.ok) throw new Error(String(answer.status));
          return answer.text();
        },
      ),
    ),
};

async function verdict(body: Promise<string>): Promise<string | undefined> {
  try {
    return await body;
  } catch {
    return undefined;
  }
}
