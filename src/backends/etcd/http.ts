import {
  Agent as HttpAgent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

import { type Clock, Deadlines } from '../../core/time.js';
import { SilentServerError } from '../../net/unavailable.js';
import type { EtcdConfig, EtcdEndpoint } from './config.js';

/** What is posted, and to which member. */
export interface Post {
  readonly endpoint: EtcdEndpoint;
  readonly path: string;
  readonly body: string;
  readonly token: string | undefined;
}

/** POSTs to one member of the cluster. Node's own client, since `fetch` takes no private authority and no client key. */
export interface Http {
  /** The whole reply. @throws SilentServerError when it is not there after `budgetMs`; the request has ended then. */
  ask(post: Post, budgetMs: number): Promise<string>;
  /** The reply as it comes. @param signal ends the request, and the reply if that is still on its way. */
  open(post: Post, signal: AbortSignal): Promise<IncomingMessage>;
  close(): void;
}

export function createHttp({ tls }: EtcdConfig, clock: Clock): Http {
  const agent = tls === undefined ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true });
  const deadlines = new Deadlines(clock);

  function start({ endpoint, path, body, token }: Post, signal?: AbortSignal): ClientRequest {
    const options = {
      agent,
      host: endpoint.host,
      port: endpoint.port,
      path,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        ...(token !== undefined && { authorization: token }),
      },
      ...(signal !== undefined && { signal }),
    };
    return tls === undefined ? httpRequest(options) : httpsRequest({ ...options, ...tls });
  }

  return {
    // No AbortSignal here: making one, and taking it off again, costs more than the rest of the request.
    ask: (post, budgetMs) =>
      new Promise((resolve, reject) => {
        const sent = start(post);
        const deadline = deadlines.add(budgetMs, () => {
          reject(new SilentServerError(budgetMs));
          sent.destroy();
        });
        const fail = (error: unknown): void => {
          deadlines.remove(deadline);
          reject(error as Error);
        };
        sent.on('error', fail);
        sent.once('response', (reply) => {
          let text = '';
          reply.setEncoding('utf8');
          reply.on('data', (chunk: string) => (text += chunk));
          reply.on('error', fail);
          reply.once('end', () => {
            deadlines.remove(deadline);
            resolve(text);
          });
        });
        sent.end(post.body);
      }),
    open: (post, signal) =>
      new Promise((resolve, reject) => {
        const sent = start(post, signal);
        sent.once('response', resolve);
        sent.on('error', reject);
        sent.end(post.body);
      }),
    close: () => agent.destroy(),
  };
}
