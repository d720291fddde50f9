// A worker of the nemesis: acquires, holds, proves, releases, and reports each hold as the interval in which it believed.
import { setTimeout as delay } from 'node:timers/promises';

import { acquire } from '../../dist/index.js';

const [, , address, leaseMs] = process.argv;
const options = { leaseDurationMs: Number(leaseMs), timeoutMs: 8_000 };
/** The same origin in every process of this machine. */
const now = () => Number(process.hrtime.bigint()) / 1e6;
process.on('unhandledRejection', (error) => process.send({ kind: 'unhandled', text: String(error) }));

for (;;) {
  let guard;
  try {
    guard = await acquire(address, options);
  } catch (error) {
    process.send({ kind: 'failed', code: error.code });
    await delay(200);
    continue;
  }
  const from = now();
  let to = from;
  const until = from + (Math.random() < 0.2 ? 1_500 + Math.random() * 4_000 : 20 + Math.random() * 150);
  while (now() < until) {
    try {
      guard.assertHeld();
      to = now();
    } catch {
      break;
    }
    await delay(10);
  }
  process.send({ kind: 'hold', from, to, token: String(guard.fencingToken) });
  await guard.release().catch((error) => process.send({ kind: 'unreleased', code: error.code }));
  await delay(Math.random() * 20);
}
