import { acquire } from '../../src/core/acquisition.js';
import type { AcquireRequest, Attempt, Backend, Grant } from '../../src/core/backend.js';
import type { Clock } from '../../src/core/time.js';
import type { Guard } from '../../src/core/guard.js';
import { Namespace } from '../../src/core/namespace.js';
import { resolveOptions, type LockOptions } from '../../src/core/options.js';
import { FlockBackend, NAMED_FILE } from '../../src/backends/flock/index.js';
import { createMemoryBackend } from '../../src/backends/memory/index.js';
import { systemClock } from '../../src/platform/clock.js';
import { testDirectory } from '../support/directory.js';

/** What happens in a place that only chance would find otherwise. Each runs once. */
export interface Steps {
  /** The backend has said no, and the caller has not begun to wait there. */
  afterContended?: () => void;
  /** The backend has granted a wait, and the caller does not know yet. */
  afterGrant?: () => void;
}

export const backends: Readonly<Record<string, () => Backend>> = {
  flock: () => new FlockBackend(NAMED_FILE, systemClock),
  memory: () => createMemoryBackend(),
};

/** Two programs on one real lock: what `steps` holds runs inside the calls of `stepped`. */
export function programs(backend: () => Backend, clock: Clock = systemClock) {
  const resource = `${testDirectory()}/a.lock`;
  const steps: Steps = {};
  const program =
    (namespace: Namespace) =>
    (options: LockOptions = {}): Promise<Guard> =>
      acquire(
        { namespace, resource, address: resource },
        resolveOptions({ timeoutMs: Infinity, ...options }, false),
      );
  const real = backend();
  return {
    steps,
    stepped: program(new Namespace(withSteps(real, steps), clock)),
    other: program(new Namespace(backend(), systemClock)),
  };
}

function withSteps(real: Backend, steps: Steps): Backend {
  const once = (name: keyof Steps): void => {
    const step = steps[name];
    delete steps[name];
    step?.();
  };
  return {
    name: real.name,
    capabilities: real.capabilities,
    tryAcquire(request: AcquireRequest): Attempt {
      const attempt = real.tryAcquire(request) as Attempt;
      if (attempt.kind === 'contended') once('afterContended');
      return attempt;
    },
    async waitAcquire(request: AcquireRequest, signal: AbortSignal): Promise<Grant> {
      const grant = await (real.waitAcquire as NonNullable<Backend['waitAcquire']>).call(
        real,
        request,
        signal,
      );
      once('afterGrant');
      return grant;
    },
    [Symbol.asyncDispose]: () => real[Symbol.asyncDispose](),
  };
}
