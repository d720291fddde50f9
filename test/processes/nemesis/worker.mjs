// A worker of the nemesis: `node worker.mjs ADDRESS NAME HISTORY PROOF REGISTER_URL LEASE_MS`. Takes the lock again and
// again until it is killed. Events go into HISTORY, one line of JSON each, which outlives it; the last time at which the
// hold was proven goes into PROOF, again and again at the same place.
import { openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { fencedUpdate, httpResource } from '../../../dist/fencing/index.js';
import { acquire, isLockError } from '../../../dist/index.js';

const [, , address, name, historyPath, proofPath, registerUrl, leaseMs] = process.argv;
const history = openSync(historyPath, 'a');
const proof = openSync(proofPath, 'w');
/** Comparable between the processes of this machine. */
const now = () => Math.round(Number(process.hrtime.bigint()) / 1e3) / 1e3;
const note = (event) => writeSync(history, `${JSON.stringify(event)}\n`);
const failed = (t, error) =>
  note({ t, w: name, at: now(), code: error.code ?? 'unknown', text: String(error?.message).slice(0, 200) });
for (const kind of ['unhandledRejection', 'uncaughtException']) {
  process.on(kind, (error) =>
    note({ t: 'unhandled', w: name, at: now(), text: String(error?.stack ?? error) }),
  );
}

// The end of the test ends it, whatever ended the test.
process.stdin.on('end', () => process.exit()).resume();

const register = httpResource(registerUrl);
const options = { leaseDurationMs: Number(leaseMs), timeoutMs: 8_000 };

/** `write` is one that checks the hold first, or one behind every check, as code that was paused would make it. */
async function written(hold, token, write) {
  const from = now();
  let outcome;
  try {
    outcome = await write();
  } catch (error) {
    if (!isLockError(error) || error.isLost !== true) outcome = 'failed';
    else outcome = error.code === 'HOLDFAST_LOST' ? 'lost' : 'failed';
  }
  note({ t: 'write', k: hold, token, from, to: now(), outcome });
}

for (let count = 0; ; count++) {
  const hold = `${name}-${count}`;
  let guard;
  try {
    guard = await acquire(address, options);
  } catch (error) {
    failed('failed', error);
    await delay(200);
    continue;
  }
  const token = String(guard.fencingToken);
  const from = now();
  note({ t: 'granted', k: hold, w: name, at: from, token });
  let to = from;
  let why;
  const prove = () => {
    try {
      guard.assertHeld();
      to = now();
      writeSync(proof, `${hold} ${to}`.padEnd(60), 0);
      return true;
    } catch (error) {
      why = error.lossReason ?? error.code;
      return false;
    }
  };
  await written(hold, token, () => fencedUpdate(guard, register, { body: hold }).then(() => 'written'));
  const until = from + (Math.random() < 0.05 ? 1_500 + Math.random() * 4_000 : 5 + Math.random() * 50);
  while (prove() && now() < until) await delay(10);
  note({ t: 'ended', k: hold, at: to, ...(why !== undefined && { why }) });
  if (Math.random() < 0.3 || why !== undefined) {
    await written(hold, token, () => register.write(guard.fencingToken, { body: hold }));
  }
  await guard.release().catch((error) => failed('unreleased', error));
  await delay(Math.random() * 20);
}
