// node names-worker.mjs KIND FOLDER JOURNAL SEED: holds the locks of one folder by all their names, until it is killed.
import { existsSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  acquire,
  breakLock,
  cleanLockFiles,
  createLock,
  inspect,
  lockAll,
  tryAcquire,
} from '../../dist/index.js';
import { hostNow } from '../../dist/platform/clock.js';
import { seeded } from './random.mjs';

const [kind, folder, journal, seed] = process.argv.slice(2);
const random = seeded(Number(seed));
const file = openSync(journal, 'a');
const pick = (list) => list[Math.floor(random() * list.length)];
const write = (line) => writeSync(file, `${JSON.stringify(line)}\n`);

const RESOURCES = ['a', 'b', 'c'];
/** One of the names of a resource. */
const nameOf = (resource) => {
  if (kind === 'git') return `git:${pick(['origin', join(folder, 'remote.git')])}#${resource}`;
  const path = join(folder, pick(['real', 'alias']), `${resource}.lock`);
  return kind === 'lease' ? `lease:${path}` : path;
};
const leaseDurationMs = kind === 'git' ? 20_000 : 1_000;
const own = {
  ...(kind === 'flock' && { fencing: true }),
  ...(kind === 'permits' && { permits: 3 }),
};
const options = { timeoutMs: kind === 'git' ? 10_000 : 5_000, leaseDurationMs, ...own };
if (kind === 'git') process.chdir(join(folder, pick(['clone0', 'clone1'])));
let count = 0;

/** Writes down each moment at which the hold was proven; a hold that was killed ends with the last of them. */
async function hold(guards, resources, mode) {
  const ids = resources.map((resource) => `${resource} ${process.pid}.${++count}`);
  const forMs = kind === 'lease' && random() < 0.2 ? 2.5 * leaseDurationMs : pick([0, 1, 3, 10]);
  const endsAt = hostNow() + forMs;
  do {
    const at = hostNow();
    try {
      for (const guard of guards) guard.assertHeld();
    } catch {
      return;
    }
    for (const [i, id] of ids.entries())
      write({ id, mode, at, token: String(guards[i]?.fencingToken ?? '') });
    await sleep(1);
  } while (hostNow() < endsAt);
}

async function held(guard, resource, mode) {
  if (guard === undefined) return;
  await hold([guard], [resource], mode);
  await guard.release();
}

async function all() {
  const wanted = [pick(RESOURCES), pick(RESOURCES), pick(RESOURCES)];
  const set = await lockAll(
    wanted.map((resource) => createLock(nameOf(resource), own)),
    { timeoutMs: options.timeoutMs, leaseDurationMs },
  );
  const resources = [...new Set(wanted)];
  await hold(
    resources.map((resource) => set.guards[wanted.indexOf(resource)]),
    resources,
    'exclusive',
  );
  await set.release();
}

/** A claim stays when its holder dies: as an agent that looks after others would, ends it. */
async function endDeadClaim(resource) {
  const address = nameOf(resource);
  const [holder] = (await inspect(address)).holders;
  if (holder?.pid !== undefined && !existsSync(`/proc/${holder.pid}`))
    await breakLock(address, holder.holderId);
}

const acts = {
  acquire: async (resource) => held(await acquire(nameOf(resource), options), resource, 'exclusive'),
  try: async (resource) => held(await tryAcquire(nameOf(resource), options), resource, 'exclusive'),
  cancel: async (resource) => {
    const signal = AbortSignal.timeout(Math.floor(random() * (kind === 'git' ? 400 : 20)));
    await held(await acquire(nameOf(resource), { ...options, signal }), resource, 'exclusive');
  },
  ...(kind !== 'permits' && { all }),
  ...(['flock', 'permits'].includes(kind) && {
    clean: () => cleanLockFiles(join(folder, pick(['real', 'alias']))),
  }),
  ...(kind === 'flock' && {
    share: async (resource) =>
      held(await acquire(nameOf(resource), { mode: 'shared', timeoutMs: 5_000 }), resource, 'shared'),
  }),
  ...(kind === 'git' && { end: endDeadClaim }),
};

const EXPECTED = ['HOLDFAST_TIMEOUT', 'HOLDFAST_CANCELED', 'HOLDFAST_LOST', 'HOLDFAST_DEADLOCK'];
for (;;) {
  try {
    await pick(Object.values(acts))(pick(RESOURCES));
  } catch (error) {
    if (!EXPECTED.includes(error.code)) write({ failure: String(error.stack ?? error) });
  }
}
