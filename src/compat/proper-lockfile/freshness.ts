import { Worker } from 'node:worker_threads';

import { distUrl } from '../../platform/package-files.js';
import type { Claimed, DirectoryIdentity } from './directory.js';

export type Order =
  | {
      readonly kind: 'keep';
      readonly id: number;
      readonly path: string;
      readonly identity: DirectoryIdentity;
      readonly lastTime: SharedArrayBuffer;
    }
  | { readonly kind: 'forget'; readonly id: number };

/** The directory of hold `id` is gone, or another one has its name. */
export interface Compromise {
  readonly id: number;
}

let worker: Worker | undefined;
let lastId = 0;
const listeners = new Map<number, () => void>();

/**
 * Keeps a directory young in a thread of its own, so that a stuck event loop costs no lock; a program that works
 * synchronously for longer than `stale` is how holders of the real proper-lockfile lose theirs. Returns the end of it.
 */
export function keepFresh(path: string, own: Claimed, onCompromised: () => void): () => void {
  const id = ++lastId;
  listeners.set(id, onCompromised);
  worker ??= start();
  send({ kind: 'keep', id, path, identity: own.identity, lastTime: own.lastTime.memory });
  return () => {
    listeners.delete(id);
    send({ kind: 'forget', id });
  };
}

function send(order: Order): void {
  worker?.postMessage(order);
}

function start(): Worker {
  const started = new Worker(distUrl('compat/proper-lockfile/freshness-worker.js'), {
    name: 'holdfast-freshness',
    execArgv: [],
    stdin: false,
  });
  started.on('message', ({ id }: Compromise) => {
    const listener = listeners.get(id);
    listeners.delete(id);
    listener?.();
  });
  started.on('exit', () => {
    // Nothing is refreshed any more: a holder must learn of it before another process calls the directory stale.
    worker = undefined;
    const all = [...listeners.values()];
    listeners.clear();
    for (const listener of all) listener();
  });
  // After the listeners: each of them would keep the process alive again.
  started.unref();
  return started;
}
