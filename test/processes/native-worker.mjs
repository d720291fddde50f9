import { parentPort, workerData } from 'node:worker_threads';
import { addon, CREATE, wait } from './native-addon.mjs';

const { path, mode } = workerData;
if (mode === 'hold') {
  if (addon.tryLock(path, CREATE, 0o600, undefined) <= 0) throw new Error('not free');
  parentPort.postMessage('held');
  setInterval(() => {}, 1000);
} else if (mode === 'wait') {
  for (let i = 0; i < 4; i++) wait(path, CREATE);
  parentPort.postMessage('waiting');
} else {
  parentPort.postMessage('toggling');
  for (;;) {
    const handle = addon.tryLock(path, CREATE, 0o600, undefined);
    const end = performance.now() + Math.random() * 0.1;
    while (performance.now() < end);
    if (handle > 0) addon.unlock(handle);
  }
}
