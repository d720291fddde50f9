// A worker thread that waits for a lock, or holds it, until it is ended.
import { parentPort, workerData } from 'node:worker_threads';

import { acquire } from '../../dist/index.js';

const { path, mode } = workerData;
if (mode === 'hold') {
  await acquire(path);
  parentPort.postMessage('held');
} else {
  void acquire(path, { timeoutMs: Infinity });
  parentPort.postMessage('waiting');
}
setInterval(() => {}, 1_000);
