import type { AcquireRequest, Attempt, Backend, Capabilities, Grant, HolderInfo } from '../core/backend.js';

export interface LazyBackend {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** It has a `waitAcquire`. */
  readonly hasQueue: boolean;
  readonly load: () => Promise<Backend>;
  /** {@link Backend.unanswered}, also while it loads. */
  readonly unanswered?: NonNullable<Backend['unanswered']>;
}

/**
 * A backend whose code, and whose client package, are loaded at its first use: an engine that no
 * address names costs nothing. What it can do is known before, since whether a call is possible must not cost a connection.
 */
export function lazyBackend({ name, capabilities, hasQueue, load, unanswered }: LazyBackend): Backend {
  let loaded: Backend | undefined;
  let loading: Promise<Backend> | undefined;

  function ready(): Promise<Backend> {
    loading ??= load().then(
      (backend) => (loaded = backend),
      (error: unknown) => {
        loading = undefined;
        throw error;
      },
    );
    return loading;
  }

  async function waitAcquire(request: AcquireRequest, signal: AbortSignal): Promise<Grant> {
    const backend = loaded ?? (await ready());
    return (backend.waitAcquire as NonNullable<Backend['waitAcquire']>)(request, signal);
  }

  return {
    name,
    capabilities,
    tryAcquire(request, signal): Attempt | Promise<Attempt> {
      if (loaded !== undefined) return loaded.tryAcquire(request, signal);
      return ready().then((backend) => backend.tryAcquire(request, signal));
    },
    ...(hasQueue && { waitAcquire }),
    isOutage: (error) => loaded?.isOutage?.(error) === true,
    ...(unanswered && { unanswered }),
    async canonicalName(resource) {
      return (await (loaded ?? (await ready())).canonicalName?.(resource)) ?? resource;
    },
    async inspect(resource): Promise<readonly HolderInfo[]> {
      return (await (loaded ?? (await ready())).inspect?.(resource)) ?? [];
    },
    async list() {
      return (await (loaded ?? (await ready())).list?.()) ?? [];
    },
    async weaknesses() {
      return (await (loaded ?? (await ready())).weaknesses?.()) ?? [];
    },
    async forceRelease(resource, holderId, options) {
      return (await (loaded ?? (await ready())).forceRelease?.(resource, holderId, options)) ?? false;
    },
    ...(capabilities.ticks === true && {
      async lastTick(resource: string) {
        return (loaded ?? (await ready())).lastTick?.(resource);
      },
      async claimTick(hold: { readonly resource: string; readonly holderId: string }, tick: number) {
        return (loaded ?? (await ready())).claimTick?.(hold, tick);
      },
    }),
    async [Symbol.asyncDispose]() {
      await loaded?.[Symbol.asyncDispose]();
    },
  };
}
