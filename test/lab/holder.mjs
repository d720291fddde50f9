// Holds one lock: node holder.mjs ADDRESS JSON. Orders come as lines on stdin; answers are lines of words.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { writeFileDurable } from '../../dist/durable/index.js';
import { acquire } from '../../dist/index.js';

const [, , address, json = '{}'] = process.argv;
const { leaseMs = 3_000, timeoutMs = Infinity } = JSON.parse(json);
const say = (...words) => process.stdout.write(`${words.join(' ')}\n`);

/** The resource on the share: its first word is the token that it was last written under. */
const tokenOf = (content) => BigInt(Buffer.from(content).toString().split(' ')[0]);
async function write(path, token, text) {
  await writeFileDurable(path, `${token} ${text}\n`, { fencing: { token, tokenOf } });
}

say('ready', new Date().getFullYear(), readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
const guard = await acquire(address, { leaseDurationMs: leaseMs, timeoutMs });
const { fencingToken: token } = guard;
guard.lost.addEventListener('abort', () => say('lost', guard.lost.reason.lossReason));
say('held', token ?? 0, guard.holderId);
for await (const line of createInterface({ input: process.stdin })) {
  const [order, path, text] = line.split(' ');
  try {
    if (order === 'assert') guard.assertHeld();
    if (order === 'release') await guard.release();
    // Asks the guard first, as a program should.
    if (order === 'write') {
      guard.assertHeld();
      await write(path, token, text);
    }
    // Has asked before it was stopped or cut off: only the resource can refuse it.
    if (order === 'write-late') await write(path, token, text);
    say('did', order);
  } catch (error) {
    say('failed', order, error.code, JSON.stringify(error.message));
  }
}
