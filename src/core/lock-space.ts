import type { Backend, Grant } from './backend.js';
import type { Clock } from './clock.js';
import { ResourceQueue } from './queue.js';

/** Keeps leases alive. Implemented by `keeper`; core only knows when it must be done: before a grant is given out. */
export interface LeaseKeeper {
  /**
   * Answers, once renewal runs, with the grant to be given out: it checks the shared deadline, tells of loss and
   * releases after renewals have settled. When it rejects nothing is left armed, and `grant` is still to be released.
   */
  arm(grant: Grant, hold: HoldName): Grant | Promise<Grant>;
}

/** Whose lease it is, for events and messages. */
export interface HoldName {
  readonly resource: string;
  readonly backend: string;
  readonly holderId: string;
}

/** Queues without callers that are kept for the next one: making one costs as much as two system calls. */
const IDLE_QUEUES_KEPT = 256;

/** One backend as seen from this thread: the backend itself, and who here wants what of it. */
export class LockSpace {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly keeper: LeaseKeeper | undefined;
  readonly #queues = new Map<string, ResourceQueue>();

  constructor(backend: Backend, clock: Clock, keeper?: LeaseKeeper) {
    this.backend = backend;
    this.clock = clock;
    this.keeper = keeper;
  }

  get hasLeases(): boolean {
    return this.backend.capabilities.orphan === 'expires';
  }

  queueFor(resource: string): ResourceQueue {
    let queue = this.#queues.get(resource);
    if (queue === undefined) {
      queue = new ResourceQueue(() => {
        if (this.#queues.size > IDLE_QUEUES_KEPT) this.#queues.delete(resource);
      });
      this.#queues.set(resource, queue);
    }
    return queue;
  }

  /** Undefined only when nobody here holds or wants the resource. */
  existingQueue(resource: string): ResourceQueue | undefined {
    return this.#queues.get(resource);
  }
}
