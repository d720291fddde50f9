import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

import type { EtcdConfig, EtcdEndpoint } from './config.js';

/** POSTs to one member of the cluster. Node's own client, since `fetch` takes no private authority and no client key. */
export interface Http {
  /** @param signal ends the request, and the reply if that is still on its way. */
  post(
    endpoint: EtcdEndpoint,
    path: string,
    body: string,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage>;
  close(): void;
}

export function createHttp(config: EtcdConfig): Http {
  const agent =
    config.tls === undefined ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true });
  return {
    post: ({ host, port }, path, body, token, signal) =>
      new Promise((resolve, reject) => {
        const options = {
          agent,
          host,
          port,
          path,
          signal,
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            ...(token !== undefined && { authorization: token }),
          },
        };
        const sent =
          config.tls === undefined ? httpRequest(options) : httpsRequest({ ...options, ...config.tls });
        sent.once('response', resolve);
        sent.on('error', reject);
        sent.end(body);
      }),
    close: () => agent.destroy(),
  };
}

export async function textOf(reply: IncomingMessage): Promise<string> {
  reply.setEncoding('utf8');
  let text = '';
  for await (const chunk of reply) text += chunk as string;
  return text;
}
