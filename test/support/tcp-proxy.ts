import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy on loopback that can be made to swallow everything, as a network that is cut does. */
export interface TcpProxy {
  readonly port: number;
  /** Packets vanish: nothing is forwarded, nothing is closed, new connections are accepted and hear nothing. */
  cut(): void;
  /** What was swallowed stays lost; held-back bytes go on. */
  heal(): void;
  /** New connections lead to another port. */
  retarget(port: number): void;
  /** Closes every connection there is now. */
  reset(): void;
  close(): Promise<void>;
}

/** @param delayMs what the server sends arrives this much later. */
export async function startTcpProxy(firstTarget: number, delayMs = 0): Promise<TcpProxy> {
  let targetPort = firstTarget;
  const pairs = new Set<readonly [Socket, Socket]>();
  let isCut = false;

  const server = createServer({ allowHalfOpen: false }, (client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const close = (): void => {
      // Through a cut, the other side hears of no end.
      if (isCut) return;
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', close);
      socket.on('close', close);
    }
    client.on('data', (chunk) => upstream.write(chunk));
    upstream.on('data', (chunk) => {
      if (delayMs === 0) client.write(chunk);
      else setTimeout(() => client.write(chunk), delayMs);
    });
    if (isCut) hold(pair, true);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      isCut = true;
      for (const pair of pairs) hold(pair, true);
    },
    heal: () => {
      isCut = false;
      for (const pair of pairs) {
        hold(pair, false);
        // A side that went away during the cut is told to the other now.
        if (pair.some((socket) => socket.destroyed)) for (const socket of pair) socket.destroy();
      }
    },
    retarget: (port) => {
      targetPort = port;
    },
    reset: () => {
      for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
    },
    close: () => {
      isCut = false;
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function hold([client, upstream]: readonly [Socket, Socket], isHeld: boolean): void {
  for (const socket of [client, upstream]) {
    if (isHeld) socket.pause();
    else socket.resume();
  }
}
