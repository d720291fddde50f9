import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';

import { Deadlines, type Clock } from '../../core/time.js';
import { SilentServerError } from '../../net/unavailable.js';
import type { TlsOptions } from '../engine/address.js';
import type { EtcdEndpoint } from './config.js';
import { EtcdAnswer } from './errors.js';

/** A connection on which an answer is missing for this long is replaced, and all that is on it fails. */
const BROKEN_AFTER_MS = 1_000;
/** Of a gRPC message: a flag for compression, and the length. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
const FRAME_HEAD = 5;

export interface Call {
  readonly path: string;
  readonly message: Buffer;
  readonly token: string | undefined;
}

/** A stream of messages both ways. */
export interface MessageStream {
  send(message: Buffer): void;
  close(): void;
}

export interface StreamEvents {
  onMessage(message: Buffer): void;
  /** Once, unless it was closed here. */
  onEnd(error: unknown): void;
}

/** gRPC to one member: one HTTP/2 connection, made when first needed and again after it broke. */
export class Channel {
  readonly #endpoint: EtcdEndpoint;
  readonly #tls: TlsOptions | undefined;
  readonly #deadlines: Deadlines;
  #session: ClientHttp2Session | undefined;
  /** Why the connection ended: its streams report only that they were canceled. */
  readonly #failures = new WeakMap<ClientHttp2Session, unknown>();
  #unanswered = 0;

  constructor(endpoint: EtcdEndpoint, tls: TlsOptions | undefined, clock: Clock) {
    this.#endpoint = endpoint;
    this.#tls = tls;
    this.#deadlines = new Deadlines(clock);
  }

  /** One message for another. @throws EtcdAnswer when the member answered with an error. */
  ask(call: Call, budgetMs: number): Promise<Buffer> {
    const session = this.#opened();
    if (this.#unanswered++ === 0) session.ref();
    return new Promise<Buffer>((resolve, reject) => {
      const messages: Buffer[] = [];
      const stream = this.#start(session, call, {
        onMessage: (message) => void messages.push(message),
        onEnd: (error) => {
          this.#deadlines.remove(deadline);
          const [answer] = messages;
          if (error === undefined && answer !== undefined) resolve(answer);
          else reject((error as Error | undefined) ?? new Error('The answer has no message.'));
        },
      });
      const deadline = this.#deadlines.addForAnswer(budgetMs, () => {
        const error = new SilentServerError(budgetMs);
        reject(error);
        if (budgetMs >= BROKEN_AFTER_MS) this.#drop(session, error);
        else stream.close(constants.NGHTTP2_CANCEL);
      });
      stream.end(framed(call.message));
    }).finally(() => {
      if (--this.#unanswered === 0 && !session.destroyed) session.unref();
    });
  }

  /** Does not keep the process alive. */
  open(call: Omit<Call, 'message'>, events: StreamEvents): MessageStream {
    const session = this.#opened();
    let isClosed = false;
    const stream = this.#start(session, call, {
      onMessage: (message) => events.onMessage(message),
      onEnd: (error) => {
        if (!isClosed) events.onEnd(error);
        isClosed = true;
      },
    });
    return {
      send: (message) => {
        if (!stream.destroyed && !stream.writableEnded) stream.write(framed(message));
      },
      close: () => {
        isClosed = true;
        stream.close(constants.NGHTTP2_CANCEL);
      },
    };
  }

  /** Ends the connection, and all that is on it. */
  close(cause: unknown = new Error('The connection was closed.')): void {
    if (this.#session !== undefined) this.#drop(this.#session, cause);
  }

  #start(
    session: ClientHttp2Session,
    { path, token }: Omit<Call, 'message'>,
    events: StreamEvents,
  ): ClientHttp2Stream {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(token !== undefined && { token }),
    });
    let rest: Buffer = Buffer.alloc(0);
    let failure: unknown;
    let status: EtcdAnswer | 'ok' | undefined;
    const readStatus = (headers: IncomingHttpHeaders): void => {
      const code = headers['grpc-status'];
      if (code === undefined) return;
      status = code === '0' ? 'ok' : new EtcdAnswer(Number(code), messageOf(headers));
    };
    stream.on('response', readStatus);
    stream.on('trailers', readStatus);
    stream.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= FRAME_HEAD && rest.length >= FRAME_HEAD + rest.readUInt32BE(1)) {
        const end = FRAME_HEAD + rest.readUInt32BE(1);
        events.onMessage(rest.subarray(FRAME_HEAD, end));
        rest = rest.subarray(end);
      }
    });
    stream.on('error', (error) => (failure = error));
    stream.on('close', () => {
      if (status === 'ok') return events.onEnd(undefined);
      events.onEnd(status ?? this.#failures.get(session) ?? causeOf(failure));
    });
    return stream;
  }

  #opened(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed)
      return this.#session;
    const { host, port } = this.#endpoint;
    const at = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const scheme = this.#tls === undefined ? 'http' : 'https';
    const session = connect(`${scheme}://${at}`, { ...this.#tls });
    session.on('error', (error) => {
      if (!this.#failures.has(session)) this.#failures.set(session, error);
    });
    session.on('goaway', () => session.close());
    // What waits for an answer keeps the process alive, not the connection.
    session.unref();
    this.#session = session;
    return session;
  }

  #drop(session: ClientHttp2Session, cause: unknown): void {
    if (this.#session === session) this.#session = undefined;
    if (!this.#failures.has(session)) this.#failures.set(session, cause);
    session.destroy();
  }
}

/** A connection that could not be made cancels its streams, with the reason as the cause. */
function causeOf(failure: unknown): unknown {
  return (failure as Error | undefined)?.cause ?? failure ?? new Error('The connection broke.');
}

function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD + message.length);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, FRAME_HEAD);
  return frame;
}

function messageOf(headers: IncomingHttpHeaders): string {
  const text = String(headers['grpc-message'] ?? '');
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
