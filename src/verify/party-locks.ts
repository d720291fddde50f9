import type { Guard } from '../core/guard.js';
import { isLockError } from '../core/errors.js';
import { acquire } from '../locks/acquire.js';
import type { LockOptions } from '../core/options.js';

/** What came of asking for a lock. */
export type Asked =
  | { readonly kind: 'held'; readonly token?: string }
  /** Another process had it until the deadline. */
  | { readonly kind: 'busy' }
  /** Neither: the system refused, or it is not known. */
  | { readonly kind: 'failed'; readonly code: string; readonly fact: string };

/** The orders about locks: the library as its users have it, on addresses like `flock:PATH`. */
export function lockActions(at: (name: string) => string) {
  const guards = new Map<string, Guard>();
  return {
    lock: async (
      scheme: 'flock' | 'lease',
      name: string,
      options: Pick<LockOptions, 'timeoutMs' | 'mode' | 'leaseDurationMs'>,
    ): Promise<Asked> => {
      try {
        const guard = await acquire(`${scheme}:${at(name)}`, { ...options, reason: 'holdfast verify' });
        guards.set(name, guard);
        const token = guard.fencingToken?.toString();
        return { kind: 'held', ...(token !== undefined && { token }) };
      } catch (error) {
        if (!isLockError(error)) throw error;
        if (error.isTimeout) return { kind: 'busy' };
        return { kind: 'failed', code: error.code, fact: factOf(error.message) };
      }
    },
    /** Undefined when the hold was released; else what went wrong. */
    unlock: async (name: string): Promise<string | undefined> => {
      const guard = guards.get(name);
      guards.delete(name);
      try {
        await guard?.release();
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    },
    /** Whether the holder itself believes that it holds. */
    believes: async (name: string): Promise<boolean> => {
      try {
        guards.get(name)?.assertHeld();
        return guards.has(name);
      } catch {
        return false;
      }
    },
  };
}

/** `Could not lock "x": the fact. Next step.` without what the report says anyway. */
function factOf(message: string): string {
  const [, fact = message] = /^Could not .*?": (.*?)\. [A-Z]/s.exec(message) ?? [];
  return fact;
}
