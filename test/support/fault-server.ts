import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { whenFinished } from './finish.js';

export interface FaultServer {
  readonly url: string;
  /** Requests so far, in their order. */
  readonly requests: readonly IncomingMessage[];
}

/** Answers the request number `hit`, from 1. One that is never ended hangs. */
export type Handler = (request: IncomingMessage, response: ServerResponse, hit: number) => void;

/** A real HTTP server on a free port, with whatever faults the handler has; gone when the test ends. */
export async function faultServer(handler: Handler): Promise<FaultServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    handler(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  whenFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests };
}

/** The URL of a port on which nobody listens. */
export async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}/`;
}

export function answer(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  body = '',
): void {
  response.writeHead(status, headers).end(body);
}

export function answerJson(
  response: ServerResponse,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  answer(response, 200, { 'content-type': 'application/json', ...headers }, JSON.stringify(value));
}
