import type { Clock } from '../../core/time.js';
import { pause } from '../../net/within.js';
import type { EtcdConfig } from './config.js';
import { EtcdAnswer, EtcdFailure, GRPC } from './errors.js';
import { createHttp, type Http, type Post } from './http.js';

/** With several members none may use up the whole budget: a stopped one takes connections and says nothing. */
const MEMBER_MS = 1_500;
/** An election takes about a second; asking every member again sooner than this only adds to its load. */
const NO_LEADER_PAUSE_MS = 50;
/** Connections that were never made; everything else may have reached the member. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
/** For the sake of a watch, which is only a hint. */
const LOGIN_MS = 1_500;
const NEVER = new AbortController().signal;

export type Json = Readonly<Record<string, unknown>>;

/** The gateway writes 64-bit numbers as text, and leaves out what is zero, empty or false. */
export function scalar(value: unknown, absent = '0'): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : absent;
}

/**
 * etcd's JSON gateway. Every request here may be carried out twice without harm, so one that got no answer goes on to
 * the next member while there is time.
 */
export class Gateway {
  readonly #config: EtcdConfig;
  readonly #clock: Clock;
  readonly #http: Http;
  #current = 0;
  #token: string | undefined;

  constructor(config: EtcdConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
    this.#http = createHttp(config, clock);
  }

  /** @throws EtcdAnswer for an error that is final; EtcdFailure when no member gave an answer in time. */
  async call(path: string, body: Json, budgetMs: number): Promise<Json> {
    const deadline = this.#clock.now() + budgetMs;
    const text = JSON.stringify(body);
    const { length } = this.#config.endpoints;
    let isUncertain = false;
    let answer: EtcdAnswer | undefined;
    let unreached = 0;
    for (;;) {
      const leftMs = deadline - this.#clock.now();
      try {
        return await this.#once(path, text, length === 1 ? leftMs : Math.min(leftMs, MEMBER_MS));
      } catch (error) {
        if (error instanceof EtcdAnswer) {
          if (!error.isTransient) throw error;
          answer = error;
        }
        const isSent = !NEVER_SENT.has(String((error as { code?: unknown }).code));
        isUncertain ||= isSent;
        unreached = isSent ? 0 : unreached + 1;
        this.#current = (this.#current + 1) % length;
        const isOver = this.#clock.now() >= deadline - 1 || unreached === length;
        // A single member that breaks connections is not asked again: nobody else could answer in its place.
        if (isOver || (length === 1 && !(error instanceof EtcdAnswer)))
          // What a member said tells more than that the last moment was too short for another answer.
          throw new EtcdFailure(answer ?? error, isUncertain);
        if (error instanceof EtcdAnswer) await pause(this.#clock, NO_LEADER_PAUSE_MS, NEVER);
      }
    }
  }

  /** Follows a stream of replies until `onMessage` says stop, it ends, or `signal` aborts. Resolves in every case. */
  async follow(
    path: string,
    body: Json,
    signal: AbortSignal,
    onMessage: (message: Json) => boolean,
  ): Promise<void> {
    try {
      await this.#login(() => LOGIN_MS);
      const reply = await this.#http.open(this.#postOf(path, JSON.stringify(body)), signal);
      reply.setEncoding('utf8');
      let rest = '';
      for await (const chunk of reply) {
        const lines = (rest + (chunk as string)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          if (line !== '' && onMessage(JSON.parse(line) as Json)) return;
        }
      }
    } catch {
      // The stream is only a hint that it is worth looking again.
    }
  }

  close(): void {
    this.#http.close();
  }

  async #once(path: string, text: string, budgetMs: number): Promise<Json> {
    const until = this.#clock.now() + Math.max(1, budgetMs);
    try {
      return await this.#answer(path, text, until);
    } catch (error) {
      const isStale = error instanceof EtcdAnswer && error.status === GRPC.unauthenticated;
      // Tokens of etcd run out after minutes.
      if (!isStale || this.#token === undefined) throw error;
      this.#token = undefined;
      return this.#answer(path, text, until);
    }
  }

  async #answer(path: string, text: string, until: number): Promise<Json> {
    const leftMs = (): number => Math.max(1, until - this.#clock.now());
    await this.#login(leftMs);
    return parseAnswer(await this.#http.ask(this.#postOf(path, text), leftMs()));
  }

  async #login(leftMs: () => number): Promise<void> {
    const { username, password } = this.#config;
    if (username === undefined || this.#token !== undefined) return;
    const login = JSON.stringify({ name: username, password });
    const reply = await this.#http.ask(this.#postOf('/v3/auth/authenticate', login), leftMs());
    this.#token = String(parseAnswer(reply)['token']);
  }

  #postOf(path: string, body: string): Post {
    const { endpoints } = this.#config;
    const endpoint = endpoints[this.#current] as (typeof endpoints)[number];
    return { endpoint, path, body, token: this.#token };
  }
}

function parseAnswer(text: string): Json {
  const answer = JSON.parse(text) as Json & {
    readonly error?: unknown;
    readonly code?: number;
    readonly message?: string;
  };
  // A stream wraps its messages; its errors have the same fields one level deeper.
  const error = answer.error ?? undefined;
  if (error === undefined) return answer;
  const inner = typeof error === 'object' && error !== null ? (error as Json) : undefined;
  const status = Number(answer.code ?? inner?.['grpc_code'] ?? inner?.['code'] ?? 0);
  throw new EtcdAnswer(status, scalar(inner?.['message'] ?? answer.message ?? error, ''));
}
