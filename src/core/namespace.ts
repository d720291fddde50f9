import type { Leases } from './options.js';
import type { Backend, Grant } from './backend.js';
import type { Announcer } from './announcing.js';
import { Deadlines } from './deadlines.js';
import { ResourceQueue } from './queue.js';
import type { Clock } from './time.js';

/** Renews leases. Implemented by `renewal`; the core only knows that it must run before a guard is handed out. */
export interface LeaseKeeper {
  /**
   * Starts renewal, then resolves with the grant to hand out: it checks the shared deadline, reports loss and releases
   * after renewals have settled. If it rejects, no renewal runs and the caller still has to release `grant`.
   */
  startRenewal(grant: Grant, hold: HoldName): Grant | Promise<Grant>;
  /** Resolves once the thread that renews runs, or has failed to start. Never rejects. */
  whenReady(): Promise<void>;
}

/** Identifies a hold in events and messages. */
export interface HoldName {
  readonly resource: string;
  readonly backend: string;
  readonly holderId: string;
}

/** Queues without callers that are kept for the next call: making one costs as much as two system calls. */
const IDLE_QUEUES_KEPT = 256;

/** One backend as this thread uses it: the backend and the callers of this thread that queue for its resources. */
export class Namespace {
  readonly backend: Backend;
  readonly clock: Clock;
  /** Of the calls that wait. */
  readonly deadlines: Deadlines;
  /** Of what they do for others: a process that could end does not wait for these. */
  readonly reminders: Deadlines;
  readonly keeper: LeaseKeeper | undefined;
  /** The server that the backend keeps its locks on, as its user wrote it: never print it. Empty for all but engines. */
  readonly server: string;
  /** Shows others on this machine what is held and waited for; undefined where that is of no use to them. */
  announcer: Announcer | undefined;
  readonly #queues = new Map<string, ResourceQueue>();

  constructor(backend: Backend, clock: Clock, keeper?: LeaseKeeper, server = '') {
    this.backend = backend;
    this.clock = clock;
    this.deadlines = new Deadlines(clock);
    this.reminders = new Deadlines(clock, { keepsProcessAlive: false });
    this.keeper = keeper;
    this.server = server;
  }

  get leases(): Leases {
    const { orphan, leaseDurationMs } = this.backend.capabilities;
    return orphan === 'expires' && (leaseDurationMs ?? true);
  }

  queueFor(key: string): ResourceQueue {
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = new ResourceQueue(() => {
        if (this.#queues.size > IDLE_QUEUES_KEPT) this.#queues.delete(key);
      });
      this.#queues.set(key, queue);
    }
    return queue;
  }

  /** Undefined if no caller of this thread holds or wants the resource. */
  existingQueue(key: string): ResourceQueue | undefined {
    return this.#queues.get(key);
  }
}

/** One name for a lock in every process of this machine. */
export function nameOf({ namespace: { backend }, resource, address }: Target): string {
  if (backend.name === 'flock') return resource;
  return backend.name === 'lease' ? `lease:${resource}` : address;
}

/** What is to be acquired, once its address was understood. */
export interface Target {
  readonly namespace: Namespace;
  /** The backend's own name for the resource. */
  readonly resource: string;
  /** The address as messages show it. */
  readonly address: string;
}
