import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import type { LeaseClock } from '../../core/lease.js';
import { bootId, timeNamespace } from '../../platform/identity.js';

/** Names of one resource, each with the lease-clock time from which this host has seen it. */
type Seen = Readonly<Record<string, number>>;

const NAMES_KEPT = 8;

/**
 * Since when this user has seen a name on this host. Kept in files, so that a one-shot try from cron builds on the
 * ones before it. Times are of one boot and one time namespace; another starts over. A file that is lost, old or
 * refused costs waiting, never exclusion: what a file says was seen then has not been there for less time.
 */
export class Sightings {
  readonly #clock: LeaseClock;
  readonly #directory: string | undefined;
  readonly #seen = new Map<string, Seen>();

  constructor(clock: LeaseClock, directory = defaultDirectory()) {
    this.#clock = clock;
    this.#directory = directory;
  }

  /** The earliest known time at which `name` was there; `at` when this is the first. */
  async since(resource: string, name: string, at: number): Promise<number> {
    const known = this.#seen.get(resource)?.[name];
    if (known !== undefined) return known;
    const seen = { ...(await this.#read(resource)), ...this.#seen.get(resource) };
    const since = Math.min(seen[name] ?? at, at);
    const rest = Object.entries(seen).filter(([other]) => other !== name);
    const next = Object.fromEntries([...rest.slice(1 - NAMES_KEPT), [name, since]]);
    this.#seen.set(resource, next);
    await this.#write(resource, next);
    return since;
  }

  /** What is remembered, without remembering anything. */
  async peek(resource: string, name: string): Promise<number | undefined> {
    return this.#seen.get(resource)?.[name] ?? (await this.#read(resource))[name];
  }

  /** Once the resource is held nothing that was seen before matters. */
  async forget(resource: string): Promise<void> {
    this.#seen.delete(resource);
    const file = this.#fileOf(resource);
    if (file !== undefined) await unlink(file).catch(() => undefined);
  }

  async #read(resource: string): Promise<Seen> {
    const file = this.#fileOf(resource);
    if (file === undefined) return {};
    try {
      const { seen } = JSON.parse(await readFile(file, 'utf8')) as { seen: Record<string, unknown> };
      const now = this.#clock.now();
      const isPast = (entry: [string, unknown]): entry is [string, number] =>
        typeof entry[1] === 'number' && entry[1] <= now;
      return Object.fromEntries(Object.entries(seen).filter(isPast));
    } catch {
      return {};
    }
  }

  async #write(resource: string, seen: Seen): Promise<void> {
    const file = this.#fileOf(resource);
    if (file === undefined || this.#directory === undefined) return;
    const temporary = `${file}.${randomBytes(6).toString('hex')}`;
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await writeFile(temporary, JSON.stringify({ resource, seen }), { mode: 0o600, flag: 'wx' });
      await rename(temporary, file);
    } catch {
      // No home, or a full one: the memory of this process has to do.
      await unlink(temporary).catch(() => undefined);
    }
  }

  /** The axis of the times is part of the name: a home directory may itself be shared between hosts. */
  #fileOf(resource: string): string | undefined {
    const boot = bootId();
    if (this.#directory === undefined || boot === undefined) return undefined;
    const key = createHash('sha256')
      .update(`${boot}\0${timeNamespace() ?? ''}\0${resource}`)
      .digest('hex');
    return join(this.#directory, `${key.slice(0, 40)}.json`);
  }
}

function defaultDirectory(): string | undefined {
  const base = process.env['XDG_STATE_HOME'];
  if (base !== undefined && base.startsWith('/')) return join(base, 'holdfast', 'sightings');
  const home = homedir();
  return home === '' ? undefined : join(home, '.local', 'state', 'holdfast', 'sightings');
}
