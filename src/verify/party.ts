import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import { sleep, systemClock } from '../platform/clock.js';
import { fileSystemKind, type FileSystemKind } from '../platform/filesystem.js';
import { bootId, hostname } from '../platform/identity.js';
import { mountOfPath } from '../platform/mounts.js';
import { fileActions } from './party-files.js';
import { lockActions } from './party-locks.js';

/** Bumped when orders change: the peer may be another version. */
export const PARTY_PROTOCOL = 1;

export interface Greeting {
  readonly protocol: number;
  readonly pid: number;
  readonly host: string;
  /** Undefined where there is none; then two parties count as of two kernels only by their host's names. */
  readonly bootId: string | undefined;
  /** Two mounts of one kernel differ in it. */
  readonly device: string;
  readonly fileSystem: FileSystemKind;
  /** `nfs4`, `fuse.sshfs`, ...; undefined where that is unknown. */
  readonly mountType: string | undefined;
  readonly mountOptions: readonly string[];
}

const REMOVE_MS = 10_000;

/** Every order that one party obeys, by name. Answers must survive JSON. */
export function partyActions(directory: string) {
  let folder = directory;
  let ownFolder: string | undefined;
  const at = (name: string): string => join(folder, name);
  return {
    greet: async (): Promise<Greeting> => {
      const mount = mountOfPath(directory);
      return {
        protocol: PARTY_PROTOCOL,
        pid: process.pid,
        host: hostname(),
        bootId: bootId(),
        device: String(statSync(directory, { bigint: true }).dev),
        fileSystem: fileSystemKind(directory),
        mountType: mount?.type,
        mountOptions: mount?.options ?? [],
      };
    },
    /** Makes the folder that everything happens in. Its maker removes it when its orders end. */
    openFolder: async (): Promise<string> => {
      const name = `.holdfast-verify-${randomUUID().slice(0, 8)}`;
      folder = join(directory, name);
      mkdirSync(folder);
      ownFolder = folder;
      // The peer may be another user there.
      chmodSync(folder, 0o777);
      return name;
    },
    /** The folder that another one made. */
    enterFolder: async (name: string): Promise<void> => {
      folder = join(directory, name);
    },
    /** The path of what could not be removed. */
    removeFolder: async (): Promise<string | undefined> => {
      const path = ownFolder;
      ownFolder = undefined;
      if (path === undefined) return undefined;
      const until = systemClock.now() + REMOVE_MS;
      for (;;) {
        try {
          rmSync(path, { recursive: true, force: true });
          return undefined;
        } catch {
          // A listing that is old still has what is gone, and not yet what is there.
          if (systemClock.now() > until) return path;
          await sleep(200);
        }
      }
    },
    ...fileActions(at),
    ...lockActions(at),
  };
}

export type PartyActions = ReturnType<typeof partyActions>;

export interface Order {
  readonly id: number;
  readonly action: keyof PartyActions;
  readonly args: readonly unknown[];
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly message: string; readonly errno?: string } };

/**
 * Obeys orders, a line of JSON each, until they end. Orders may overlap. What it made in `directory` goes when the orders
 * end, however they end.
 */
export async function serveParty(
  directory: string,
  orders: Readable,
  answer: (line: string) => void,
): Promise<void> {
  const actions = partyActions(directory);
  for await (const line of createInterface({ input: orders })) {
    const { id, action, args } = JSON.parse(line) as Order;
    const act = actions[action] as (...args: readonly unknown[]) => Promise<unknown>;
    void Promise.resolve()
      .then(() => act(...args))
      .then(
        (value) => answer(JSON.stringify({ id, value } satisfies Answer)),
        (error: unknown) => {
          const { message, code } = error as NodeJS.ErrnoException;
          answer(JSON.stringify({ id, error: { message, ...(code !== undefined && { errno: code }) } }));
        },
      );
  }
  await actions.removeFolder();
}
