import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

import { HttpCache } from '../../../src/cache/http-cache.js';
import { testDirectory } from '../../support/directory.js';
import {
  CHARSETS,
  CUTS,
  ENCODINGS,
  INTERIM,
  MALFORMED_ANSWERS,
  STATUSES,
  type Case,
  type Peer,
} from './cases.js';
import { PEERS } from './peers.js';

/** Sends the same bytes to each connection, whatever it asks for. */
async function serve({ answer, ending }: Case): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(answer, () => {
        // A reset throws away what has not been read yet: the client reads first.
        if (ending === 'reset') setTimeout(() => socket.resetAndDestroy(), 100);
        else socket.end();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function ourVerdict(url: string): Promise<{ body: string } | { error: string }> {
  const cache = new HttpCache<string>(join(testDirectory(), 'f'), url, { format: 'text', attempts: 1 });
  return cache.refresh().then(
    ({ value }) => ({ body: value }),
    (error: Error) => ({ error: error.message }),
  );
}

describe.each([
  ['statuses', STATUSES],
  ['interim answers', INTERIM],
  ['cut bodies', CUTS],
  ['malformed answers', MALFORMED_ANSWERS],
  ['encodings', ENCODINGS],
  ['charsets', CHARSETS],
])('%s', (_name, cases) => {
  test.each(cases)('$name', async (item) => {
    const url = await serve(item);
    const ours = await ourVerdict(url);
    if ('body' in item.expected) expect(ours).toEqual(item.expected);
    else expect(ours).toEqual({ error: expect.stringContaining(item.expected.error) as string });
    if (item.isOursAlone !== undefined) return;
    const body = 'body' in ours ? ours.body : undefined;
    for (const [name, peer] of Object.entries(PEERS))
      expect({ [name]: (await peer(url)) !== body }).toEqual({
        [name]: item.differs?.[name as Peer] !== undefined,
      });
  });
});
