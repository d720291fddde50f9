import { machineUnit } from '../../support/time.js';

/**
 * What becomes of each role, as the exit code of its command. The holder and the permit holder run `sleep` until they are
 * ended (143) or lose (76). The waiter waits long behind a holder that releases afterwards. The spare
 * (`--stand-by`) waits behind a leader that releases afterwards: 143 when it led until it was ended, `standing by` when it
 * did not lead. The breaker breaks the holder's hold afterwards, of which it knows the id.
 */
export interface Outcomes {
  readonly holder: number;
  readonly permit: number;
  readonly waiter: number;
  readonly spare: number | 'standing by';
  readonly breaker: number;
}

export interface Server extends AsyncDisposable {
  readonly url: string;
}

export interface Situation<S extends Server = Server> {
  readonly name: string;
  readonly start: () => Promise<S>;
  happen(server: S): Promise<unknown>;
  readonly outcomes: Outcomes;
  /** Part of every run of the tests; the others are for the soak. */
  readonly isQuick?: true;
}

/** A busy machine renews late, and a server restarts slowly. */
export const LEASE_MS = 8_000 * machineUnit;
export const WAIT_MS = 5 * LEASE_MS;

/** Everything is as if nothing had happened. A holder that was broken has lost. */
export const GOES_ON: Outcomes = { holder: 76, permit: 143, waiter: 0, spare: 143, breaker: 0 };
/** The holds are gone; the others go on. */
export const IS_LOST: Outcomes = { holder: 76, permit: 76, waiter: 0, spare: 143, breaker: 75 };

/** A situation with its kind of server inside. */
export interface Playable extends Omit<Situation, 'start' | 'happen'> {
  start(): Promise<Server & { happen(): Promise<unknown> }>;
}

export function playable<S extends Server>({ start, happen, ...rest }: Situation<S>): Playable {
  return {
    ...rest,
    async start() {
      const server = await start();
      return {
        url: server.url,
        happen: () => happen(server),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  };
}
