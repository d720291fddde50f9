import type { Clock, Timer } from '../../core/time.js';
import { LOOK_MS } from '../engine/limits.js';
import { decodeClaim, type ClaimInfo, type OwnClaim } from './claims.js';
import { newHolderId } from '../../core/holder.js';
import type { Session } from './session.js';
import type { Sessions } from './sessions.js';
import { CHANNEL, MAY_BREAK, NOTIFY, replyChannel } from './statements.js';

/** A process that is stopped, or not ours, does not answer. */
const ANSWER_MS = 400;
/** A notification has less than 8000 bytes. */
const PAYLOAD_BYTES = 7_000;
const FORMAT = 1;

interface Asked {
  readonly silent: Set<number>;
  readonly found: ClaimInfo[];
  readonly done: () => void;
}

/**
 * What processes send each other through notifications: a session holds for a whole process, and the server knows neither
 * holder ids nor reasons. A question names sessions, and each process answers for its own; a break names a hold.
 */
export class Exchange {
  readonly #sessions: Sessions;
  readonly #clock: Clock;
  readonly #claims = new Set<OwnClaim>();
  readonly #asked = new Map<string, Asked>();

  constructor(sessions: Sessions, clock: Clock) {
    this.#sessions = sessions;
    this.#clock = clock;
    sessions.onNotification = (channel, payload, backendPid) => this.#onMessage(channel, payload, backendPid);
  }

  /** Describes it to others until the returned function is called. */
  add(claim: OwnClaim): () => void {
    this.#claims.add(claim);
    return () => void this.#claims.delete(claim);
  }

  /**
   * What the processes behind these sessions hold and wait for.
   *
   * @param keys only of these locks; undefined: of all.
   */
  async ask(
    backendPids: readonly number[],
    keys: readonly string[] | undefined,
  ): Promise<readonly ClaimInfo[]> {
    if (backendPids.length === 0) return [];
    const session = await this.#sessions.main(LOOK_MS);
    const id = newHolderId();
    const found: ClaimInfo[] = [];
    let timer: Timer | undefined;
    const answered = new Promise<void>((resolve) => {
      timer = this.#clock.setTimer(ANSWER_MS, resolve);
      this.#asked.set(id, { silent: new Set(backendPids), found, done: resolve });
    });
    const question = { v: FORMAT, id, to: session.id, pids: backendPids, keys };
    try {
      await notify(session, CHANNEL, question);
      await answered;
    } finally {
      timer?.clear();
      this.#asked.delete(id);
    }
    return found;
  }

  /** Asks the holder, wherever it is, to end its hold. It does so unless it is stopped. */
  async askToEnd(holderId: string): Promise<void> {
    await notify(await this.#sessions.main(LOOK_MS), CHANNEL, { v: FORMAT, end: holderId });
  }

  #onMessage(channel: string, payload: string, backendPid: number): void {
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(payload) as Record<string, unknown>;
    } catch {
      return;
    }
    if (message === null || message['v'] !== FORMAT) return;
    if (channel !== CHANNEL) return this.#onAnswer(message);
    const work =
      typeof message['end'] === 'string' ? this.#end(message['end'], backendPid) : this.#answer(message);
    // A question without an answer is a process that says nothing.
    work.catch(() => undefined);
  }

  async #answer({ id, to, pids, keys }: Record<string, unknown>): Promise<void> {
    if (typeof id !== 'string' || typeof to !== 'string' || !/^[a-z2-7]{26}$/.test(to)) return;
    const mine = this.#sessions.backendPids.filter((pid) => Array.isArray(pids) && pids.includes(pid));
    if (mine.length === 0) return;
    const wanted = Array.isArray(keys) ? new Set(keys) : undefined;
    const session = await this.#sessions.main(LOOK_MS);
    let part: ClaimInfo[] = [];
    let size = 0;
    for (const { lose: _, ...own } of this.#claims) {
      if (wanted !== undefined && !wanted.has(own.key)) continue;
      const claim = { ...own, note: own.note() };
      const bytes = Buffer.byteLength(JSON.stringify(claim));
      if (bytes > PAYLOAD_BYTES) continue;
      if (size + bytes > PAYLOAD_BYTES) {
        await notify(session, replyChannel(to), { v: FORMAT, id, claims: part });
        part = [];
        size = 0;
      }
      part.push(claim);
      size += bytes + 1;
    }
    await notify(session, replyChannel(to), { v: FORMAT, id, claims: part, pids: mine });
  }

  #onAnswer({ id, claims, pids }: Record<string, unknown>): void {
    const asked = typeof id === 'string' ? this.#asked.get(id) : undefined;
    if (asked === undefined || !Array.isArray(claims)) return;
    for (const claim of claims) asked.found.push(...[decodeClaim(claim)].filter((one) => one !== undefined));
    for (const pid of Array.isArray(pids) ? (pids as unknown[]) : []) asked.silent.delete(pid as number);
    if (asked.silent.size === 0) asked.done();
  }

  async #end(holderId: string, backendPid: number): Promise<void> {
    const claim = [...this.#claims].find((own) => own.holderId === holderId && own.lose !== undefined);
    if (claim === undefined) return;
    const session = await this.#sessions.main(LOOK_MS);
    const [row] = await session.query({ text: MAY_BREAK, values: [backendPid], budgetMs: LOOK_MS });
    if (row?.['may'] === true) claim.lose?.('taken');
  }
}

async function notify(session: Session, channel: string, message: object): Promise<void> {
  await session.query({ text: NOTIFY, values: [channel, JSON.stringify(message)], budgetMs: LOOK_MS });
}
