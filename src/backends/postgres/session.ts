import type { Clock, Deadlines } from '../../core/time.js';
import type { LeaseClock } from '../../core/lease.js';
import { SilentServerError } from '../../net/unavailable.js';
import { within } from '../../net/within.js';
import type { OpenClient, OpenSession, PgClient, Row, Statement } from './client.js';
import { poolerError, standbyError } from './errors.js';

/**
 * What a session must be set to, whatever the server's defaults: never ended for being idle or slow, and ended soon
 * when its client is gone. Only those that the server knows are set (before 14 it knows fewer).
 */
const SETTINGS: Readonly<Record<string, string>> = {
  tcp_keepalives_idle: '5',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '15s',
  client_connection_check_interval: '1s',
  idle_session_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  statement_timeout: '0',
  transaction_timeout: '0',
  lock_timeout: '0',
  // A token must not come back after a crash: its record is flushed before it is given out.
  synchronous_commit: 'on',
};

/** A session lives as long as it is used; the statements of a thousand names would stay as long. */
const STATEMENTS_KEPT = 64;

export interface SessionContext {
  readonly open: OpenSession;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly leaseClock: LeaseClock;
  readonly display: string;
  readonly isSessionPooler: boolean;
}

/** One connection that belongs to one hold, or waits for the next. */
export class Session {
  /** The server's process behind it. */
  readonly backendPid: number;
  /** Lease clock at the start of the last request that was answered: the session was alive after that. */
  provenAt: number;
  readonly #opened: OpenClient;
  readonly #context: SessionContext;
  #onEnd: (() => void) | undefined;
  #isOpen = true;
  #asking: Promise<readonly Row[]> | undefined;
  /** Statements of this session and the names under which the server has them; '' after the first use. */
  readonly #names = new Map<string, string>();
  #named = 0;

  private constructor(opened: OpenClient, backendPid: number, provenAt: number, context: SessionContext) {
    this.#opened = opened;
    this.backendPid = backendPid;
    this.provenAt = provenAt;
    this.#context = context;
    opened.client.on('error', this.#ended);
    opened.client.on('end', this.#ended);
    opened.client.unref?.();
  }

  /** @throws LockError HOLDFAST_UNSUPPORTED behind a transaction pooler, HOLDFAST_CONFIG_MISMATCH on a standby. */
  static async open(context: SessionContext, budgetMs: number): Promise<Session> {
    const { clock, leaseClock } = context;
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
      const provenAt = leaseClock.now();
      const backendPid = await within(clock, leftMs, prepare(opened.client, context));
      return new Session(opened, backendPid, provenAt, context);
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Called when an answer has proven the session once more. */
  onProven: (() => void) | undefined;

  /** Of the socket: the server's session lasts until every copy of it is closed. Undefined where it is not known. */
  get descriptor(): number | undefined {
    const fd = this.#opened.client.connection?.stream?._handle?.fd;
    return fd !== undefined && fd >= 0 ? fd : undefined;
  }

  /** Told once when the connection ends, unless it is closed here. */
  set onEnd(listener: (() => void) | undefined) {
    this.#onEnd = listener;
  }

  /** One statement. Keeps the process alive until it is answered; `budgetMs` may be Infinity. */
  query(text: string, values: readonly unknown[], budgetMs: number): Promise<readonly Row[]> {
    // One at a time: a release that meets a heartbeat waits for its answer.
    if (this.#asking !== undefined) {
      const again = (): Promise<readonly Row[]> => this.query(text, values, budgetMs);
      return this.#asking.then(again, again);
    }
    this.#asking = this.#ask(text, values, budgetMs);
    return this.#asking;
  }

  #ask(text: string, values: readonly unknown[], budgetMs: number): Promise<readonly Row[]> {
    const { deadlines, leaseClock } = this.#context;
    const { client } = this.#opened;
    const sentAt = leaseClock.now();
    client.ref?.();
    return new Promise((resolve, reject) => {
      let isOver = false;
      const settle = (end: () => void): void => {
        if (isOver) return;
        isOver = true;
        if (deadline !== undefined) deadlines.remove(deadline);
        this.#asking = undefined;
        if (this.#isOpen) client.unref?.();
        end();
      };
      const late = (): void => settle(() => reject(new SilentServerError(budgetMs)));
      const deadline = budgetMs === Infinity ? undefined : deadlines.add(budgetMs, late);
      client.query(this.#statement(text), values).then(
        ({ rows }) =>
          settle(() => {
            this.provenAt = sentAt;
            this.onProven?.();
            resolve(rows);
          }),
        (error: unknown) => settle(() => reject(error)),
      );
    });
  }

  /** By name from its second use on: parsing and planning take the server as long as running it does. */
  #statement(text: string): string | Statement {
    const name = this.#names.get(text);
    if (name === undefined) {
      if (this.#names.size < STATEMENTS_KEPT) this.#names.set(text, '');
      return text;
    }
    if (name !== '') return { name, text };
    const given = `holdfast_${this.#named++}`;
    this.#names.set(text, given);
    return { name: given, text };
  }

  /** Ends the server's session, and with it whatever it holds, as soon as the server learns of it. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#onEnd = undefined;
    this.#opened.client.removeListener('error', this.#ended);
    this.#opened.client.removeListener('end', this.#ended);
    this.#opened.close();
  }

  readonly #ended = (): void => {
    const listener = this.#onEnd;
    this.close();
    listener?.();
  };
}

/** Proves that the session is ours alone and on the server that decides, then sets it up. */
async function prepare(client: PgClient, context: SessionContext): Promise<number> {
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid, pg_is_in_recovery() AS is_standby');
  const { pid, is_standby: isStandby } = rows[0] as Row;
  if (isStandby === true) throw standbyError(context.display);
  // A pooler invents the process id of its greeting; the server's own is the one that runs the query.
  if (!context.isSessionPooler && client.processID !== pid) throw poolerError(context.display);
  await client.query(
    'SELECT set_config(wanted.name, wanted.value, false) FROM jsonb_each_text($1::jsonb) AS wanted(name, value) JOIN pg_settings USING (name)',
    [JSON.stringify(SETTINGS)],
  );
  return pid as number;
}
