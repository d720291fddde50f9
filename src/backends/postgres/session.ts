import { newHolderId } from '../../core/holder.js';
import type { LeaseClock, LossReason } from '../../core/lease.js';
import type { Mode } from '../../core/backend.js';
import type { Clock, Deadline, Deadlines } from '../../core/time.js';
import { SilentServerError } from '../../net/unavailable.js';
import { within } from '../../net/within.js';
import type { OpenClient, OpenSession, Row, Statement } from './client.js';
import { HEARTBEAT_MS, PROOF_MS } from './config.js';
import { processLabel } from './label.js';
import { assertKeptSession, prepare } from './prepare.js';
import { KeyQueries, type Query } from './key-queries.js';
import { HEARTBEAT } from './statements.js';

export interface SessionContext {
  readonly open: OpenSession;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly leaseClock: LeaseClock;
  readonly display: string;
  readonly isSessionPooler: boolean;
}

/** What is held on a session. */
export interface SessionHold {
  lose(reason: LossReason): void;
}

interface Sent {
  readonly query: Query;
  readonly deadline: Deadline | undefined;
  readonly resolve: (rows: readonly Row[]) => void;
  readonly reject: (error: unknown) => void;
  isSent: boolean;
  isLate: boolean;
}

/** A statement that was not answered in time; one that was never sent has changed nothing and will not. */
export class SilentSessionError extends SilentServerError {
  readonly wasSent: boolean;
  constructor(waitedMs: number, wasSent: boolean) {
    super(waitedMs);
    this.wasSent = wasSent;
  }
}

/**
 * One connection, one statement at a time. The server ends what it holds when it ends, and nothing else does. It is proven
 * by an answer to any request: it was alive after the request was sent. The server frees what a cut connection holds after
 * tcp_user_timeout or the keepalives, 15 to 20 s, so belief ends {@link PROOF_MS} after the last proof.
 */
export class Session {
  /** In its `application_name`: others name it by this, since process ids are used again. */
  readonly id: string;
  /** The server's process behind it. */
  readonly backendPid: number;
  readonly holds = new Set<SessionHold>();
  readonly keys = new KeyQueries((query) => this.query(query));
  /** Lease clock at the start of the last request that was answered. */
  provenAt: number;
  /** On {@link Clock.now}. */
  usedAt: number;
  onEnd: (() => void) | undefined;
  onNotification: ((channel: string, payload: string, backendPid: number) => void) | undefined;
  readonly #opened: OpenClient;
  readonly #context: SessionContext;
  readonly #provenListeners = new Set<() => void>();
  readonly #waiting: Sent[] = [];
  #asking: Sent | undefined;
  #isOpen = true;
  #beat: Deadline | undefined;
  /** Keys that are held or asked for here: the server would grant them to its own session again. */
  readonly #reserved = new Map<string, { readonly mode: Mode; count: number }>();
  /** Statements that the server keeps parsed under a name; '' after the first use. */
  readonly #names = new Map<string, string>();

  private constructor(opened: OpenClient, context: SessionContext, id: string, proven: Proven) {
    this.#opened = opened;
    this.#context = context;
    this.id = id;
    this.backendPid = proven.backendPid;
    this.provenAt = proven.at;
    this.usedAt = context.clock.now();
    opened.client.on('error', this.#ended);
    opened.client.on('end', this.#ended);
    opened.client.on('notification', this.#notified);
    opened.client.unref?.();
  }

  /** @throws LockError HOLDFAST_UNSUPPORTED behind a transaction pooler, HOLDFAST_CONFIG_MISMATCH on a standby. */
  static async open(context: SessionContext, budgetMs: number, listens: boolean): Promise<Session> {
    const { clock, leaseClock } = context;
    await context.open.ready?.();
    const startedAt = clock.now();
    const opening = context.open(budgetMs);
    let opened: OpenClient;
    try {
      opened = await within(clock, budgetMs, opening);
    } catch (error) {
      void opening.then((late) => late.close()).catch(() => undefined);
      throw error;
    }
    try {
      const leftMs = Math.max(1, budgetMs - (clock.now() - startedAt));
      const at = leaseClock.now();
      const id = newHolderId();
      const backendPid = await within(clock, leftMs, prepare(opened.client, context, id, listens));
      if (context.isSessionPooler && listens) {
        const openAnother = (): ReturnType<OpenSession> => context.open(leftMs);
        await within(
          clock,
          leftMs,
          assertKeptSession(opened.client, backendPid, openAnother, context.display),
        );
      }
      return new Session(opened, context, id, { backendPid, at });
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Nothing is held, asked for or under way. */
  get isIdle(): boolean {
    return this.holds.size === 0 && this.#reserved.size === 0 && this.#asking === undefined;
  }

  /** Of the socket: the server's session lasts until every copy of it is closed. Undefined where it is not known. */
  get descriptor(): number | undefined {
    const fd = this.#opened.client.connection?.stream?._handle?.fd;
    return fd !== undefined && fd >= 0 ? fd : undefined;
  }

  /** Calls `listener` after each answer that has proven the session once more, until the returned function is called. */
  onProven(listener: () => void): () => void {
    this.#provenListeners.add(listener);
    return () => void this.#provenListeners.delete(listener);
  }

  isProven(marginMs: number): boolean {
    return this.#isOpen && this.#context.leaseClock.now() + marginMs < this.provenAt + PROOF_MS;
  }

  isReserved(key: string): boolean {
    return this.#reserved.has(key);
  }

  /** False where the server would grant `key` again although this process must not have it twice. */
  reserve(key: string, mode: Mode): boolean {
    const reserved = this.#reserved.get(key);
    if (reserved === undefined) this.#reserved.set(key, { mode, count: 1 });
    else if (mode === 'shared' && reserved.mode === 'shared') reserved.count++;
    else return false;
    return true;
  }

  free(key: string): void {
    const reserved = this.#reserved.get(key);
    if (reserved !== undefined && --reserved.count === 0) this.#reserved.delete(key);
  }

  addHold(hold: SessionHold): void {
    this.holds.add(hold);
    this.#beat ??= this.#context.deadlines.add(HEARTBEAT_MS, this.#onBeat);
  }

  /** One statement, after those that are waiting. Keeps the process alive until it is answered. */
  query(query: Query): Promise<readonly Row[]> {
    return new Promise((resolve, reject) => {
      if (!this.#isOpen) return reject(connectionEnded());
      const { budgetMs } = query;
      const late = (): void => this.#late(sent);
      const deadline =
        budgetMs === Infinity ? undefined : this.#context.deadlines.addForAnswer(budgetMs, late);
      const sent: Sent = { query, deadline, resolve, reject, isSent: false, isLate: false };
      this.#waiting.push(sent);
      if (this.#asking === undefined) this.#next();
    });
  }

  /** Ends the server's session, and with it what it holds, as soon as the server learns of it. */
  close(): void {
    this.#end(false);
  }

  #next(): void {
    const sent = this.#waiting.shift();
    this.#asking = sent;
    const { client } = this.#opened;
    if (sent === undefined) {
      client.unref?.();
      return;
    }
    client.ref?.();
    sent.isSent = true;
    const { text, values = [] } = sent.query;
    const sentAt = this.#context.leaseClock.now();
    client
      .query(this.#statement(processLabel() + text), typeof values === 'function' ? values() : values)
      .then(
        ({ rows }) => {
          this.provenAt = Math.max(this.provenAt, sentAt);
          for (const listener of this.#provenListeners) listener();
          this.#answered(sent, () => sent.resolve(rows), rows);
        },
        (error: unknown) => {
          sent.query.onError?.(error);
          this.#answered(sent, () => sent.reject(error), undefined);
        },
      );
  }

  #answered(sent: Sent, settle: () => void, rows: readonly Row[] | undefined): void {
    if (sent.deadline !== undefined) this.#context.deadlines.remove(sent.deadline);
    this.usedAt = this.#context.clock.now();
    if (rows !== undefined) sent.query.onAnswer?.(rows, sent.isLate);
    settle();
    if (this.#isOpen) this.#next();
  }

  #late(sent: Sent): void {
    sent.isLate = true;
    if (!sent.isSent) this.#waiting.splice(this.#waiting.indexOf(sent), 1);
    sent.reject(new SilentSessionError(sent.query.budgetMs, sent.isSent));
  }

  /** By name from its second use on: parsing and planning take the server as long as running it does. */
  #statement(text: string): string | Statement {
    const name = this.#names.get(text);
    if (name === undefined) {
      this.#names.set(text, '');
      return text;
    }
    if (name !== '') return { name, text };
    const given = `holdfast_${this.#names.size}_${text.length}`;
    this.#names.set(text, given);
    return { name: given, text };
  }

  readonly #onBeat = (): void => {
    this.#beat = undefined;
    if (this.holds.size === 0 || !this.#isOpen) return;
    const remainingMs = this.provenAt + PROOF_MS - this.#context.leaseClock.now();
    if (remainingMs <= 0) return this.#end(true);
    this.query({ text: HEARTBEAT, budgetMs: remainingMs }).then(
      () => (this.#beat ??= this.#context.deadlines.add(HEARTBEAT_MS, this.#onBeat)),
      // An error in place of an answer is a session that is not as we left it.
      () => this.#end(true),
    );
  };

  readonly #ended = (): void => this.#end(true);

  readonly #notified = (message?: unknown): void => {
    const { channel = '', payload = '', processId = 0 } = (message ?? {}) as Partial<Notification>;
    this.onNotification?.(channel, payload, processId);
  };

  #end(isReported: boolean): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#beat !== undefined) this.#context.deadlines.remove(this.#beat);
    for (const event of ['error', 'end'] as const) {
      this.#opened.client.removeListener(event, this.#ended);
    }
    this.#opened.client.removeListener('notification', this.#notified);
    this.#opened.close();
    for (const sent of [this.#asking, ...this.#waiting.splice(0)]) sent?.reject(connectionEnded());
    for (const hold of [...this.holds]) hold.lose('session-ended');
    if (isReported) this.onEnd?.();
  }
}

interface Proven {
  readonly backendPid: number;
  readonly at: number;
}

interface Notification {
  readonly channel: string;
  readonly payload: string;
  readonly processId: number;
}

function connectionEnded(): Error {
  return Object.assign(new Error('The connection ended.'), { code: 'ECONNRESET' });
}
