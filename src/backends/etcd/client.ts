import type { Clock } from '../../core/time.js';
import { pause } from '../../net/within.js';
import { Channel, type MessageStream, type StreamEvents } from './channel.js';
import type { EtcdConfig } from './config.js';
import { EtcdAnswer, EtcdFailure } from './errors.js';
import { METHODS, WATCH, type Method, type MethodName } from './messages.js';
import { decode, encode, type Message } from './protobuf.js';

/** With several members none may use up the whole budget: a stopped one takes connections and says nothing. */
const MEMBER_MS = 1_500;
/** An election takes about a second; asking every member again sooner than this only adds to its load. */
const NO_LEADER_PAUSE_MS = 50;
/** A change of users makes all tokens void; several in a row must not end a request. */
const LOGINS = 3;
/** Connections that were never made; everything else may have reached the member. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
const NEVER = new AbortController().signal;

/**
 * A cluster over gRPC. Every request here may be carried out twice without harm, so one that got no answer goes on to
 * the next member while there is time.
 */
export class EtcdClient {
  readonly config: EtcdConfig;
  readonly clock: Clock;
  readonly #channels: readonly Channel[];
  #current = 0;
  #token: Promise<string> | undefined;

  constructor(config: EtcdConfig, clock: Clock) {
    this.config = config;
    this.clock = clock;
    this.#channels = config.endpoints.map((endpoint) => new Channel(endpoint, config.tls, clock));
  }

  /** @throws EtcdAnswer for an error that is final; EtcdFailure when no member gave an answer in time. */
  async call(name: MethodName, request: Message, budgetMs: number): Promise<Message> {
    const deadline = this.clock.now() + budgetMs;
    const method = METHODS[name];
    const message = encode(method.request, request);
    const { length } = this.#channels;
    let isUncertain = false;
    let answer: EtcdAnswer | undefined;
    let unreached = 0;
    for (;;) {
      const leftMs = Math.max(1, deadline - this.clock.now());
      const member = this.#current;
      try {
        return await this.#once(method, message, length === 1 ? leftMs : Math.min(leftMs, MEMBER_MS));
      } catch (error) {
        if (error instanceof EtcdAnswer) {
          if (!error.isTransient) throw error;
          answer = error;
        }
        const isSent = !NEVER_SENT.has(String((error as { code?: unknown }).code));
        isUncertain ||= isSent;
        unreached = isSent ? 0 : unreached + 1;
        this.#leave(member);
        const isOver = this.clock.now() >= deadline - 1 || unreached === length;
        // A single member that breaks connections is not asked again: no other could answer in its place.
        if (isOver || (length === 1 && !(error instanceof EtcdAnswer)))
          // What a member answered is worth more than that the last moment was too short for another answer.
          throw new EtcdFailure(answer ?? error, isUncertain);
        if (error instanceof EtcdAnswer) await pause(this.clock, NO_LEADER_PAUSE_MS, NEVER);
      }
    }
  }

  /** A stream for watches, on the current member. Its end, and a member that is silent, are for the caller to notice. */
  async watch(events: StreamEvents, budgetMs: number): Promise<MessageStream & { abandon(): void }> {
    const token = await this.#login(budgetMs);
    const member = this.#current;
    const channel = this.#channels[member] as Channel;
    const stream = channel.open({ path: WATCH.path, token }, events);
    return {
      ...stream,
      abandon: () => {
        this.#leave(member);
        // Requests that wait for the same member go on to the next one.
        channel.close(new Error('The member is silent.'));
      },
    };
  }

  /** The version of each member that answers. */
  async versions(budgetMs: number): Promise<readonly string[]> {
    const method = METHODS.status;
    const asked = this.#channels.map(async (channel) => {
      const token = await this.#login(budgetMs);
      const answer = await channel.ask(
        { path: method.path, message: encode(method.request, {}), token },
        budgetMs,
      );
      return String(decode(method.response, answer)['version']);
    });
    const answers = await Promise.allSettled(asked);
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  }

  /** The next request logs in again. */
  forgetToken(): void {
    this.#token = undefined;
  }

  close(): void {
    for (const channel of this.#channels) channel.close();
  }

  /** Of many requests that fail at once, one moves on. */
  #leave(member: number): void {
    if (this.#current === member) this.#current = (member + 1) % this.#channels.length;
  }

  async #once(method: Method, message: Buffer, budgetMs: number): Promise<Message> {
    const until = this.clock.now() + budgetMs;
    const leftMs = (): number => Math.max(1, until - this.clock.now());
    for (let logins = 1; ; logins++) {
      const used = this.#token;
      try {
        const token = await this.#login(leftMs());
        return await this.#ask(method, message, token, leftMs());
      } catch (error) {
        const isStale = error instanceof EtcdAnswer && error.isTokenVoid;
        if (!isStale || this.config.username === undefined || logins === LOGINS) throw error;
        if (this.#token === used) this.#token = undefined;
      }
    }
  }

  async #ask(method: Method, message: Buffer, token: string | undefined, budgetMs: number): Promise<Message> {
    const channel = this.#channels[this.#current] as Channel;
    return decode(method.response, await channel.ask({ path: method.path, message, token }, budgetMs));
  }

  /** One login for all requests that wait for it. */
  #login(budgetMs: number): Promise<string | undefined> {
    const { username: name, password } = this.config;
    if (name === undefined) return Promise.resolve(undefined);
    if (this.#token === undefined) {
      const method = METHODS.authenticate;
      const asked = this.#ask(method, encode(method.request, { name, password }), undefined, budgetMs);
      const token = asked.then((answer) => String(answer['token']));
      this.#token = token;
      token.catch(() => {
        if (this.#token === token) this.#token = undefined;
      });
    }
    return this.#token;
  }
}
