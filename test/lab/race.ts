import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { HoldInterval } from '../../src/testing/intervals.js';

export const RACER = fileURLToPath(new URL('racer.mjs', import.meta.url));

export type RacerLine =
  | { readonly kind: 'ready' | 'done' }
  | ({ readonly kind: 'hold'; readonly isHeld: boolean } & HoldInterval)
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

export interface RaceResult {
  /** Those that their holders still believed in at their end. */
  readonly holds: readonly HoldInterval[];
  readonly failures: readonly string[];
}

export interface RacerOrder {
  readonly forMs?: number;
  readonly holdMs?: number;
  readonly leaseMs?: number;
  readonly name?: string;
}

/** Reads what racers printed. */
export function readRace(outputs: readonly string[]): RaceResult {
  const lines = outputs.flatMap((output) =>
    output
      .split('\n')
      .filter((line) => line.startsWith('{"kind"'))
      .map((line) => JSON.parse(line) as RacerLine),
  );
  return {
    holds: lines.filter((line) => line.kind === 'hold').filter(({ isHeld }) => isHeld),
    failures: lines.filter((line) => line.kind === 'failed').map(({ message }) => message),
  };
}

/** Lets a process take each of `addresses` again and again; they name one lock. */
export async function raceFor(
  addresses: readonly string[],
  order: RacerOrder,
  env: NodeJS.ProcessEnv,
): Promise<RaceResult> {
  const outputs = await Promise.all(
    addresses.map(
      (address, index) =>
        new Promise<string>((resolve) => {
          const args = [RACER, address, JSON.stringify({ name: String(index), ...order })];
          execFile(process.execPath, args, { env: { ...process.env, ...env } }, (_error, stdout) =>
            resolve(stdout),
          );
        }),
    ),
  );
  return readRace(outputs);
}
