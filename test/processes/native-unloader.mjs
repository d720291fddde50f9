// node native-unloader.mjs PATH ROUNDS, while another process holds PATH: only worker threads load the addon, so that
// each end of one unloads it, with threads still blocked in its code.
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

const [path, rounds] = process.argv.slice(2);
for (let i = 0; i < Number(rounds); i++) {
  const options = { workerData: { path, mode: 'wait' } };
  const worker = new Worker(new URL('native-worker.mjs', import.meta.url), options);
  await new Promise((resolve) => worker.once('message', resolve));
  await worker.terminate();
}
await sleep(50);
process.stdout.write('alive\n');
