import { history, list, type Claim } from '../../claims/index.js';
import { systemClock } from '../../platform/clock.js';
import type { Timer } from '../../core/time.js';
import { toJson } from '../envelope.js';
import { claimJson } from '../json.js';
import type { AgentSession } from './agent-session.js';
import { ResourceTemplate, SubscribeRequestSchema, UnsubscribeRequestSchema, type McpServer } from './sdk.js';

const CLAIMS = 'holdfast://claims';
const LOCKS = 'holdfast://locks';
const HISTORY = /^holdfast:\/\/claims\/(.+)\/history$/;
const MIME = 'application/json';

/** Resources of the server, and notifications when they change. */
export class Resources {
  readonly #server: McpServer;
  readonly #session: () => AgentSession;
  readonly #intervalMs: number;
  readonly #subscribed = new Set<string>();
  #known = new Map<string, string>();
  #timer: Timer | undefined;

  constructor(server: McpServer, session: () => AgentSession, intervalMs: number) {
    this.#server = server;
    this.#session = session;
    this.#intervalMs = intervalMs;
    server.server.registerCapabilities({ resources: { subscribe: true, listChanged: true } });
    this.#register();
    server.server.setRequestHandler(SubscribeRequestSchema, async ({ params }) => {
      this.#subscribed.add(params.uri);
      await this.#look(false);
      return {};
    });
    server.server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
      this.#subscribed.delete(params.uri);
      return {};
    });
  }

  /** Something of this session changed: no need to wait for the next look. */
  changed(): void {
    this.#notify(LOCKS);
    if (this.#subscribed.size > 0) this.#arm(0);
  }

  end(): void {
    this.#subscribed.clear();
    this.#timer?.clear();
  }

  #register(): void {
    const json = (
      uri: URL,
      data: unknown,
    ): { contents: { uri: string; mimeType: string; text: string }[] } => ({
      contents: [{ uri: uri.href, mimeType: MIME, text: toJson(data) }],
    });
    this.#server.registerResource(
      'claims',
      CLAIMS,
      { title: 'Claims', description: 'Who works on what', mimeType: MIME },
      async (uri) => {
        const { claims, ...rest } = await list(this.#session().options);
        return json(uri, { ...rest, claims: claims.map(claimJson) });
      },
    );
    this.#server.registerResource(
      'history',
      new ResourceTemplate('holdfast://claims/{id}/history', { list: undefined }),
      { title: 'History of a claim', description: 'Its events, the latest first', mimeType: MIME },
      async (uri, { id }) => {
        const name = decodeURIComponent(String(id));
        return json(uri, { id: name, events: await history(name, this.#session().options) });
      },
    );
    this.#server.registerResource(
      'locks',
      LOCKS,
      { title: 'Locks', description: 'Locks that this session holds', mimeType: MIME },
      (uri) => {
        const locks = [...this.#session().locks].map(([name, { address, guard }]) => ({
          name,
          address,
          isLost: guard.lost.aborted,
        }));
        return json(uri, { locks });
      },
    );
  }

  #arm(delayMs: number): void {
    this.#timer?.clear();
    if (this.#subscribed.size === 0) return;
    this.#timer = systemClock.setTimer(delayMs, () => void this.#look(true));
  }

  /** What cannot be asked now is asked later. */
  async #look(notifies: boolean): Promise<void> {
    try {
      const { claims } = await list(this.#session().options);
      const current = new Map(claims.map((one) => [one.id, stateOf(one)]));
      const ids = new Set([...current.keys(), ...this.#known.keys()]);
      const changed = [...ids].filter((id) => current.get(id) !== this.#known.get(id));
      this.#known = current;
      if (notifies && changed.length > 0) {
        this.#notify(CLAIMS);
        for (const uri of this.#subscribed) {
          const [, id] = HISTORY.exec(uri) ?? [];
          if (id !== undefined && changed.includes(decodeURIComponent(id))) this.#notify(uri);
        }
      }
    } catch {
      // Its tools say so.
    }
    this.#arm(this.#intervalMs);
  }

  #notify(uri: string): void {
    if (!this.#subscribed.has(uri)) return;
    this.#server.server.sendResourceUpdated({ uri }).catch(() => undefined);
  }
}

function stateOf({ holderId, renewedAt, isStale, isQuiet }: Claim): string {
  return [holderId, renewedAt, isStale, isQuiet].join(' ');
}
