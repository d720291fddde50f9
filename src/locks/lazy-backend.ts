import type { Attempt, Backend, Capabilities, HolderInfo } from '../core/backend.js';

/**
 * A backend whose code, and whose client package, are loaded at its first use: nobody pays for an engine that no
 * address names. What it can do is known before, since whether a call is possible must not cost a connection.
 */
export function lazyBackend(name: string, capabilities: Capabilities, load: () => Promise<Backend>): Backend {
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

  return {
    name,
    capabilities,
    tryAcquire(request, signal): Attempt | Promise<Attempt> {
      if (loaded !== undefined) return loaded.tryAcquire(request, signal);
      return ready().then((backend) => backend.tryAcquire(request, signal));
    },
    async waitAcquire(request, signal) {
      const backend = loaded ?? (await ready());
      return (backend.waitAcquire as NonNullable<Backend['waitAcquire']>)(request, signal);
    },
    async inspect(resource): Promise<readonly HolderInfo[]> {
      return (await (loaded ?? (await ready())).inspect?.(resource)) ?? [];
    },
    async list() {
      return (await (loaded ?? (await ready())).list?.()) ?? [];
    },
    async forceRelease(resource, holderId, options) {
      return (await (loaded ?? (await ready())).forceRelease?.(resource, holderId, options)) ?? false;
    },
    async [Symbol.asyncDispose]() {
      await loaded?.[Symbol.asyncDispose]();
    },
  };
}
