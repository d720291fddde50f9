import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import {
  decodeProcess,
  decodeSlots,
  encodeProcess,
  encodeSlot,
  SLOT_BYTES,
  type AnnouncedSlot,
} from '../../src/files/announcement-format.js';
import { testDirectory } from '../support/directory.js';
import { dataOf, holdfast } from '../support/holdfast.js';
import { eventually, start, type TestChild } from '../support/processes.js';

interface Seen {
  readonly locks: readonly {
    readonly address: string;
    readonly backend: string;
    readonly holders: readonly {
      readonly pid?: number;

      readonly token?: string;
    }[];
    readonly waiters: readonly {
      readonly pid?: number;
      readonly waitedMs?: number;
      readonly sinceAt?: string;
    }[];
  }[];
}

const library = new URL('../../dist/index.js', import.meta.url).href;

/** A process of a user with a run-time directory of its own. */
function startUser(runtime: string, code: string): TestChild {
  const source = `import { acquire } from ${JSON.stringify(library)};\n${code}`;
  const env = { ...process.env, XDG_RUNTIME_DIR: runtime };
  return start(process.execPath, ['--input-type=module', '-e', source], { env });
}

async function look(runtime: string): Promise<Seen> {
  const { stdout } = await holdfast(runtime, ['top', '--once', '--json'], {
    env: { XDG_RUNTIME_DIR: runtime },
  });
  return dataOf<Seen>(stdout);
}

const lockAt = async (runtime: string, address: string): Promise<Seen['locks'][number] | undefined> =>
  (await look(runtime)).locks.find((lock) => lock.address === address);

describe('what a process holds beyond the kernel is announced', () => {
  test('a lease, with its deadline although the event loop is stuck; no file is left', async () => {
    const runtime = testDirectory();
    const path = join(runtime, 'lease');
    const child = startUser(
      runtime,
      `const guard = await acquire('lease:' + ${JSON.stringify(path)}, { leaseDurationMs: 3_000 });
       setTimeout(() => {
         console.log('stuck');
         while (!process.getBuiltinModule('fs').existsSync(${JSON.stringify(join(runtime, 'go'))}));
         guard.release().then(() => process.exit(0));
       }, 300);`,
    );
    await child.line(/^stuck$/);
    const first = await lockAt(runtime, `lease:${path}`);
    expect(first).toMatchObject({
      backend: 'lease',
      holders: [{ pid: child.pid, token: expect.stringMatching(/^\d+$/) }],
    });
    // The worker renews and writes the new deadline, although the owner's loop does not turn.
    const file = join(runtime, 'holdfast', String(child.pid));
    const until = (): number | undefined => decodeSlots(readFileSync(file))[0]?.leaseDeadline;
    const before = until() as number;
    await eventually('the deadline moves', () => (until() as number) > before);
    writeFileSync(join(runtime, 'go'), '');
    expect((await child.exited).code).toBe(0);
    expect(readdirSync(join(runtime, 'holdfast'))).toEqual([]);
  });

  test('a wait for a flock, with its beginning; a killed process announces nothing', async () => {
    const runtime = testDirectory();
    const path = join(runtime, 'x.lock');
    const holder = startUser(
      runtime,
      `await acquire(${JSON.stringify(path)}); console.log('held'); setInterval(() => {}, 1e6);`,
    );
    await holder.line(/^held$/);
    const waiter = startUser(runtime, `await acquire(${JSON.stringify(path)}, { timeoutMs: Infinity });`);
    const seen = await eventually('the wait is announced', async () => {
      const lock = await lockAt(runtime, path);
      return lock?.waiters[0]?.sinceAt === undefined ? undefined : lock;
    });
    expect(seen).toMatchObject({ holders: [{ pid: holder.pid }], waiters: [{ pid: waiter.pid }] });
    expect(seen.waiters).toHaveLength(1);
    // Only the waiter has a file: who holds a flock is seen without.
    expect(readdirSync(join(runtime, 'holdfast'))).toEqual([String(waiter.pid)]);
    waiter.process.kill('SIGKILL');
    await waiter.exited;
    expect((await lockAt(runtime, path))?.waiters).toEqual([]);
    const next = startUser(
      runtime,
      `await acquire('lease:' + ${JSON.stringify(join(runtime, 'l'))}); setInterval(() => {}, 1e6);`,
    );
    await eventually('its file was swept', () => {
      const names = readdirSync(join(runtime, 'holdfast'));
      return names.length === 1 && names[0] === String(next.pid);
    });
  });
});

const slot: AnnouncedSlot = {
  state: 'holder',
  lock: 'lease:/x',
  backend: 'lease',
  mode: 'exclusive',
  sinceAtMs: 1,
  reason: 'r',
  token: 12n,
  leaseDurationMs: 1_000,
  leaseDeadline: 5_000.5,
};

describe('the file of a process', () => {
  test('is read as it was written; what does not fit loses its reason and the middle of its name', () => {
    const text = encodeProcess({ pid: 7, startTime: 8 }, 3) + encodeSlot(slot, 1) + encodeSlot(undefined, 2);
    const long = encodeSlot({ ...slot, lock: `/${'ä'.repeat(2_000)}/end`, reason: 'x'.repeat(900) }, 3);
    const file = Buffer.from(text + long);
    expect(file.length).toBe(4 * SLOT_BYTES);
    expect(decodeProcess(file)).toMatchObject({ pid: 7, startTime: 8, omitted: 3 });
    const [first, second] = decodeSlots(file);
    expect(first).toEqual(slot);
    expect(second?.lock).toMatch(/^\/ä+…ä+\/end$/);
    expect(second?.reason).toBeUndefined();
  });

  test('that others wrote counts slot by slot', () => {
    const torn = encodeSlot(slot, 1).replace('"again":1', '"again":2');
    const foreign = ['{}', '[]', 'null', '{"state":"holder"}', '{'.repeat(900)].map(
      (one) => `${one.padEnd(SLOT_BYTES - 1)}\n`,
    );
    const file = Buffer.from([encodeProcess({ pid: 7 }, 0), torn, ...foreign, encodeSlot(slot, 4)].join(''));
    expect(decodeSlots(file)).toEqual([slot]);
    expect(decodeProcess(Buffer.alloc(5_000, 0xff))).toBeUndefined();
    expect(decodeProcess(Buffer.from('{"format":2,"pid":7}'))).toBeUndefined();
  });
});

test('hostile files in the run-time directory neither stop nor fool a look', async () => {
  const runtime = testDirectory();
  const place = join(runtime, 'holdfast');
  mkdirSync(place, { mode: 0o700 });
  const mine =
    encodeProcess({ pid: process.pid, startTime: 1 }, 0) + encodeSlot({ ...slot, lock: 'lease:/forged' }, 1);
  writeFileSync(join(place, String(process.pid)), mine);
  writeFileSync(join(place, 'secret'), 'secret');
  symlinkSync('/proc/self/environ', join(place, '1'));
  execFileSync('mkfifo', [join(place, '2')]);
  mkdirSync(join(place, '3'));
  writeFileSync(join(place, '4'), Buffer.alloc(5_000_000, '{'));
  writeFileSync(join(place, '5'), mine);
  chmodSync(join(place, '5'), 0o666);
  linkSync(join(place, 'secret'), join(place, '6'));
  const { locks } = await look(runtime);
  expect(locks.map(({ address }) => address)).not.toContain('lease:/forged');
  // A process of the user announces beside them.
  const child = startUser(
    runtime,
    `await acquire('lease:' + ${JSON.stringify(join(runtime, 'l'))}); console.log('held'); setInterval(() => {}, 1e6);`,
  );
  await child.line(/^held$/);
  await eventually(
    'it is seen',
    async () => (await lockAt(runtime, `lease:${join(runtime, 'l')}`)) !== undefined,
  );
  expect(readFileSync(join(place, 'secret'), 'utf8')).toBe('secret');
});
