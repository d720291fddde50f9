import { fileURLToPath } from 'node:url';

import { LockError } from '../core/errors.js';
import type { Clock } from '../core/time.js';
import { distUrl } from '../platform/package-files.js';
import { converse, type Conversation } from '../process/converse.js';
import { formatLocation, quoteForShell, type Location } from './location.js';
import { type Answer, type Greeting, type Order, type PartyActions, PARTY_PROTOCOL } from './party.js';

type Action = keyof PartyActions;
type ValueOf<K extends Action> = Awaited<ReturnType<PartyActions[K]>>;

/** The end of the line to one party. */
export interface Contact {
  readonly location: Location;
  readonly greeting: Greeting;
  /** @throws LockError when there is no answer in time, or the party is gone. */
  ask<K extends Action>(action: K, ...args: Parameters<PartyActions[K]>): Promise<ValueOf<K>>;
  /** Only a party on this host is a process of ours; elsewhere it ends with its orders. */
  kill(): Promise<void>;
  pause(): void;
  resume(): void;
  /** Ends its orders, and waits until it is gone. */
  end(): Promise<void>;
}

export interface ContactOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Words before the name of the host, default `ssh`. */
  readonly remoteShell: readonly string[];
}

/** A dead file server answers nothing; what works is done long before. */
const ANSWER_MS = 60_000;
const FAREWELL_MS = 15_000;

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Starts a worker at `location` and reads its greeting. */
export async function contactParty(location: Location, options: ContactOptions): Promise<Contact> {
  const { clock, signal } = options;
  const where = formatLocation(location);
  const pending = new Map<number, Pending>();
  let lastId = 0;
  const [file, ...args] = commandOf(location, options.remoteShell);
  const line: Conversation = converse(file as string, args, (text) => receive(text, pending));
  const failAll = (error: Error): void => {
    for (const waiting of pending.values()) waiting.reject(error);
    pending.clear();
  };
  const ended = line.ended.then(({ stderr, cause }) => {
    const fact = cause?.message ?? lastWords(stderr);
    failAll(partyError(where, `the process there ended${fact === '' ? '' : ` (${fact})`}`));
  });
  const onAbort = (): void => failAll(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });

  const request = async <K extends Action>(
    action: K,
    args: Parameters<PartyActions[K]>,
  ): Promise<ValueOf<K>> => {
    signal.throwIfAborted();
    const id = ++lastId;
    const value = await new Promise<unknown>((resolve, reject) => {
      const timer = clock.setTimer(ANSWER_MS, () =>
        reject(partyError(where, `there was no answer to "${action}" within ${ANSWER_MS / 1_000} s`)),
      );
      const settle = (end: () => void): void => {
        timer.clear();
        pending.delete(id);
        end();
      };
      pending.set(id, {
        resolve: (answer) => settle(() => resolve(answer)),
        reject: (error) => settle(() => reject(error)),
      });
      line.send(JSON.stringify({ id, action, args } satisfies Order));
    });
    return value as ValueOf<K>;
  };
  const ask = <K extends Action>(action: K, ...args: Parameters<PartyActions[K]>): Promise<ValueOf<K>> => {
    const answer = request(action, args);
    // A check awaits some answers later. If the verification is canceled before, that is no unhandled rejection.
    answer.catch(() => undefined);
    return answer;
  };

  const end = async (): Promise<void> => {
    line.kill('SIGCONT');
    line.close();
    const timer = clock.setTimer(FAREWELL_MS, () => line.kill('SIGKILL'));
    await ended;
    timer.clear();
    signal.removeEventListener('abort', onAbort);
  };

  try {
    const greeting = await ask('greet');
    if (greeting.protocol !== PARTY_PROTOCOL) {
      throw partyError(where, 'holdfast is of another version there');
    }
    return {
      location,
      greeting,
      ask,
      end,
      kill: async () => {
        line.kill('SIGKILL');
        await ended;
      },
      pause: () => line.kill('SIGSTOP'),
      resume: () => line.kill('SIGCONT'),
    };
  } catch (error) {
    await end();
    throw error;
  }
}

function commandOf({ host, path }: Location, remoteShell: readonly string[]): readonly string[] {
  if (host !== undefined) return [...remoteShell, host, `holdfast verify --serve ${quoteForShell(path)}`];
  return [process.execPath, fileURLToPath(distUrl('bin/holdfast.cjs')), 'verify', '--serve', path];
}

function receive(text: string, pending: ReadonlyMap<number, Pending>): void {
  let answer: Answer;
  try {
    answer = JSON.parse(text) as Answer;
  } catch {
    // A shell's greeting, from its profile.
    return;
  }
  const waiting = pending.get(answer.id);
  if ('error' in answer) {
    const { message, errno } = answer.error;
    waiting?.reject(Object.assign(new Error(message), errno !== undefined && { code: errno }));
  } else waiting?.resolve(answer.value);
}

/** What it said last, without what is only meant for the user of the command. */
function lastWords(stderr: string): string {
  const line = stderr.trim().split('\n').at(-1) ?? '';
  return line.replace(/^holdfast: /, '').replace(/\.(?: See ".*"\.?)?$/, '');
}

function partyError(where: string, fact: string): LockError {
  return new LockError(
    `Could not verify "${where}": ${fact}. Look whether the file server answers, and whether holdfast runs there.`,
    { code: 'HOLDFAST_IO', resource: where },
  );
}
