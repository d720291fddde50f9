// A lock that is the name of an abstract Unix socket: the kernel lets one process of a network namespace listen on it,
// and frees it when that process ends, however it ends. See unix(7), "Abstract sockets". Linux only.
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';

import { LockError } from 'holdfast/testing';

/** What we promise. The suite holds us to every word. */
export const CAPABILITIES = {
  modes: ['exclusive'],
  reach: 'host',
  orphan: 'released',
  fencing: false,
};

/** There is no notice when the name becomes free; the core tries again after this. */
const RETRY_AFTER_MS = 5;

/** @returns {import('holdfast/testing').Backend} */
export function createSocketBackend() {
  return {
    name: 'socket',
    capabilities: CAPABILITIES,

    async tryAcquire({ resource }) {
      const server = createServer((connection) => connection.destroy());
      try {
        await listen(server, `\0holdfast-example:${digest(resource)}`);
      } catch (error) {
        // Contention is an answer. Everything else is an error, and is not asked again.
        if (error.code === 'EADDRINUSE') return { kind: 'contended', retryAfterMs: RETRY_AFTER_MS };
        throw new LockError(
          `Could not lock "${resource}": the socket was refused (${error.code}). See listen(2).`,
          { code: 'HOLDFAST_IO', resource, cause: error },
        );
      }
      // A hold by itself keeps no process alive.
      server.unref();
      return { kind: 'granted', grant: grantOf(server) };
    },

    // Connections of the backend's own would be closed here; holds end with their guards.
    [Symbol.asyncDispose]: async () => {},
  };
}

/** @returns {import('holdfast/testing').Grant} */
function grantOf(server) {
  return {
    // The kernel never takes a name away: as long as we listen, we hold.
    check: () => (server.listening ? undefined : 'session-ended'),
    onLost: () => {},
    // Resolves when the name is free, not before: a successor may ask in the next statement.
    release: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Socket names end after 107 bytes; libuv cuts longer ones off, and two locks would become one. */
function digest(resource) {
  return createHash('sha256').update(resource).digest('hex');
}

function listen(server, path) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, exclusive: true }, resolve);
  });
}
