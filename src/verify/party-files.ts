import { link, mkdir, open, readdir, readFile, rename, rm, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';

import { errnoOf } from '../core/system-error.js';
import { sleep, systemClock } from '../platform/clock.js';

/** What came of a call: nothing to say, or the name of its errno. */
export interface Tried {
  readonly errno?: string;
}

/** How long it took until something was there; `withinMs` was not enough when `isSeen` is false. */
export interface Seen {
  readonly isSeen: boolean;
  readonly afterMs: number;
}

export interface ReadCounts {
  readonly reads: number;
  /** The name was not there for a moment. */
  readonly absent: number;
  /** Neither the old content nor the new one. */
  readonly torn: number;
  readonly errnos: readonly string[];
}

export interface Times {
  /** The smallest step that was seen in the time stamps, in nanoseconds. */
  readonly stepNs: number;
  /** What the file system's clock is ahead of the local one, in milliseconds. */
  readonly skewMs: number;
  /** How far off `skewMs` may be: the duration of the call, and half a step. */
  readonly skewErrorMs: number;
}

const LOOK_EVERY_MS = 10;
const STAMPS = 24;

/** Every content that is written has this length, so that half of one is seen. */
const CONTENT_BYTES = 4096;

async function attempt(work: () => Promise<unknown>): Promise<Tried> {
  try {
    await work();
    return {};
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    return { errno };
  }
}

function contentOf(version: number): string {
  return `${version} `.padEnd(CONTENT_BYTES, `${version % 10}`);
}

function versionOf(text: string): number | undefined {
  const version = Number.parseInt(text, 10);
  return text === contentOf(version) ? version : undefined;
}

/** The orders about files. `at` gives the path of a name in the folder that both parties share. */
export function fileActions(at: (name: string) => string) {
  const write = async (name: string, version: number): Promise<void> => {
    const file = await open(at(name), 'w');
    try {
      await file.writeFile(contentOf(version));
    } finally {
      await file.close();
    }
  };
  const read = async (name: string): Promise<number | undefined> =>
    versionOf(await readFile(at(name), 'utf8'));

  return {
    createOnce: (name: string) => attempt(async () => (await open(at(name), 'wx')).close()),
    link: (from: string, to: string) => attempt(() => link(at(from), at(to))),
    rename: (from: string, to: string) => attempt(() => rename(at(from), at(to))),
    unlink: (name: string) => attempt(() => unlink(at(name))),
    removeTree: (name: string) => attempt(() => rm(at(name), { recursive: true, force: true })),
    /** A folder with one file in it, as a lease is born. */
    makeFolder: (name: string, content: string) =>
      attempt(async () => {
        await mkdir(at(name));
        await (await open(join(at(name), content), 'wx')).close();
      }),
    list: async (name: string): Promise<readonly string[]> => readdir(at(name)),
    write: (name: string, version: number) => attempt(() => write(name, version)),

    /** Looks for a name. The first look may fill a cache with its absence. */
    seeName: (name: string, withinMs: number) =>
      see(withinMs, async () => (await attempt(() => stat(at(name)))).errno === undefined),
    seeListed: (name: string, withinMs: number) =>
      see(withinMs, async () => (await readdir(at('.'))).includes(name)),
    seeVersion: (name: string, version: number, withinMs: number) =>
      see(withinMs, async () => (await read(name).catch(() => undefined)) === version),

    /** Replaces a file again and again by renaming another over it. */
    replaceOften: async (name: string, forMs: number): Promise<readonly string[]> => {
      const errnos = new Set<string>();
      const until = systemClock.now() + forMs;
      for (let version = 1; systemClock.now() < until; version++) {
        await write(`${name}.next`, version);
        const { errno } = await attempt(() => rename(at(`${name}.next`), at(name)));
        if (errno !== undefined) errnos.add(errno);
      }
      return [...errnos];
    },
    readOften: (name: string, forMs: number) => readOften(() => read(name), forMs),
    times: () => times(at),
  };
}

async function see(withinMs: number, isThere: () => Promise<boolean>): Promise<Seen> {
  const from = systemClock.now();
  for (;;) {
    const isSeen = await isThere();
    const afterMs = systemClock.now() - from;
    if (isSeen || afterMs >= withinMs) return { isSeen, afterMs };
    await sleep(LOOK_EVERY_MS);
  }
}

async function readOften(read: () => Promise<number | undefined>, forMs: number): Promise<ReadCounts> {
  const until = systemClock.now() + forMs;
  const errnos = new Set<string>();
  const counts = { reads: 0, absent: 0, torn: 0 };
  while (systemClock.now() < until) {
    try {
      if ((await read()) === undefined) counts.torn++;
    } catch (error) {
      const errno = errnoOf(error) ?? 'EIO';
      if (errno === 'ENOENT') counts.absent++;
      else errnos.add(errno);
    }
    counts.reads++;
  }
  return { ...counts, errnos: [...errnos] };
}

/** Writes, and reads back what the file system stamped on it. */
async function times(at: (name: string) => string): Promise<Times> {
  const name = at('stamp');
  const stamps: bigint[] = [];
  let best = { skewMs: 0, skewErrorMs: Infinity };
  for (let round = 0; round < STAMPS; round++) {
    const before = systemClock.wallNow();
    const file = await open(name, 'w');
    await file.writeFile(String(round));
    await file.close();
    const after = systemClock.wallNow();
    const { mtimeNs } = await stat(name, { bigint: true });
    stamps.push(mtimeNs);
    const skewMs = Number(mtimeNs / 1_000n) / 1_000 - (before + after) / 2;
    if (after - before < best.skewErrorMs) best = { skewMs, skewErrorMs: after - before };
    await sleep(7);
  }
  const asked = 1_700_000_000.123456;
  await utimes(name, asked, asked);
  stamps.push((await stat(name, { bigint: true })).mtimeNs);
  const stepNs = stepOf(stamps);
  // A stamp is the step that its moment fell into, so the moment is half a step later, give or take as much.
  const halfMs = stepNs / 2e6;
  return { stepNs, skewMs: best.skewMs + halfMs, skewErrorMs: best.skewErrorMs + halfMs };
}

/** The largest of the usual steps that every stamp is a multiple of. */
function stepOf(stamps: readonly bigint[]): number {
  const steps = [2_000_000_000n, 1_000_000_000n, 10_000_000n, 1_000_000n, 1_000n, 100n];
  return Number(steps.find((step) => stamps.every((stamp) => stamp % step === 0n)) ?? 1n);
}
