import { SHARE_ENV, Worker } from 'node:worker_threads';

import { LockError } from '../core/errors.js';
import { errnoOf } from '../core/system-error.js';
import type { LossReason, RenewalSource } from '../core/lease.js';
import { distUrl } from '../platform/package-files.js';
import { leaveRemovedDirectory } from '../platform/working-directory.js';
import type { LeaseCell } from './shared-state.js';
import { OrderRing } from './ring.js';
import { fromWire, type Order, type Report, type RingOrder, type WorkerSetup } from './protocol.js';

/** What the worker sends about one hold by itself. */
export interface HoldListener {
  onRenewed(remainingMs: number, error: Error | undefined): void;
  onLost(reason: LossReason): void;
}

interface Hold {
  readonly listener: HoldListener;
  /** Where its end is reported, for a lease whose renewal may come after its release. */
  readonly cell: LeaseCell | undefined;
  /** Of the order under way; a hold has at most one. */
  answer?: { resolve(): void; reject(error: Error): void };
}

/** The owner's end of the one worker thread. It is started by the first lease and never keeps the process alive. */
export class WorkerThread {
  readonly #setup: Omit<WorkerSetup, 'ring'>;
  readonly #holds = new Map<number, Hold>();
  #worker: Worker | undefined;
  #isOnline = false;
  #pendingCount = 0;
  /** The page whose memory this worker has. */
  #sharedPage: number | undefined;
  #ring = new OrderRing();
  /** A number for what holds have in common (or their module): the worker keeps one of each, however many start at once. */
  readonly #sources = new WeakMap<object, number>();
  /** Sources that this worker has opened a renewal of. It is there, and what it opens it opens at once. */
  readonly #opened = new Set<number>();
  #lastSource = 0;
  #lastId = 0;

  constructor(setup: Omit<WorkerSetup, 'ring'>) {
    this.#setup = setup;
  }

  /**
   * `running` resolves once the renewal of the hold `id` runs; undefined when it is known that it will, for a lease whose
   * renewal may come after its release. It rejects when there will be none, also because of {@link forget}.
   */
  arm(
    source: RenewalSource,
    cell: LeaseCell,
    durationMs: number,
    listener: HoldListener,
    isReleaseSafe = false,
  ): { readonly id: number; readonly running: Promise<void> | undefined } {
    const id = ++this.#lastId;
    this.#holds.set(id, { listener, cell: isReleaseSafe ? cell : undefined });
    const { module, state, shared } = source;
    const { page, index } = cell;
    const number = this.#sources.get(shared ?? module) ?? ++this.#lastSource;
    this.#sources.set(shared ?? module, number);
    if (isReleaseSafe && this.#opened.has(number) && this.#sharedPage === page.id) {
      if (this.#tryRing([id, number, page.id, index, durationMs, state])) return { id, running: undefined };
    }
    const what = { source: number, module: module.href, shared, state };
    const where = { page: page.id, memory: page.buffer, cell: index };
    const running = this.#order({ kind: 'arm', id, ...what, ...where, durationMs, isReleaseSafe }).then(
      () => {
        this.#opened.add(number);
        this.#sharedPage = page.id;
      },
      (error: unknown) => {
        this.#holds.delete(id);
        throw error;
      },
    );
    return { id, running };
  }

  /** Resolves once the thread runs, or has failed to start; at once if it was not started. */
  whenReady(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined || this.#isOnline) return Promise.resolve();
    return new Promise((resolve) => {
      if (this.#pendingCount++ === 0) worker.ref();
      const settle = (): void => {
        worker.off('online', settle);
        worker.off('exit', settle);
        if (--this.#pendingCount === 0) worker.unref();
        resolve();
      };
      worker.once('online', settle);
      worker.once('exit', settle);
    });
  }

  /** The hold is over, or ends elsewhere. Orders that the worker has for it need no answer any more. */
  forget(id: number): void {
    const hold = this.#holds.get(id);
    if (hold === undefined) return;
    this.#holds.delete(id);
    hold.answer?.reject(threadError('it did not answer in time'));
    if (hold.cell === undefined) this.#worker?.postMessage({ kind: 'forget', id } satisfies Order);
    else hold.cell.release();
  }

  /** True once the order is where the worker will find it. */
  #tryRing(order: RingOrder): boolean {
    if (this.#worker === undefined || !this.#ring.tryWrite(JSON.stringify(order))) return false;
    if (!this.#ring.isPolled) {
      this.#ring.isPolled = true;
      this.#worker.postMessage({ kind: 'poll' } satisfies Order);
    }
    return true;
  }

  /** False once the thread that kept the hold is gone. */
  has(id: number): boolean {
    return this.#holds.has(id);
  }

  /** Ends the hold there, after renewals have settled. */
  async release(id: number): Promise<void> {
    try {
      await this.#order({ kind: 'release', id });
    } finally {
      this.#holds.delete(id);
    }
  }

  /** A hold whose thread is gone is renewed no more: there is no later deadline to write. */
  publish(id: number, descriptor: number): void {
    if (this.#holds.has(id)) this.#worker?.postMessage({ kind: 'publish', id, descriptor } satisfies Order);
  }

  #order(order: Exclude<Order, { kind: 'poll' | 'publish' }>): Promise<void> {
    return new Promise((resolve, reject) => {
      const hold = this.#holds.get(order.id);
      if (hold === undefined) return reject(threadError('it ended'));
      const worker = (this.#worker ??= this.#start());
      const settle = (end: () => void): void => {
        delete hold.answer;
        // Only an order under way is worth staying for; renewals alone are not.
        if (--this.#pendingCount === 0) worker.unref();
        end();
      };
      hold.answer = {
        resolve: () => settle(resolve),
        reject: (error) => settle(() => reject(error)),
      };
      if (this.#pendingCount++ === 0) worker.ref();
      try {
        worker.postMessage(order);
      } catch (error) {
        hold.answer.reject(error as Error);
      }
    });
  }

  #start(): Worker {
    // A new one: what is left in the ring of a dead thread is over.
    this.#ring = new OrderRing();
    // A thread cannot start where there is no working directory.
    const goBack = leaveRemovedDirectory();
    const worker = this.#open();
    worker.unref();
    this.#isOnline = false;
    if (goBack !== undefined) worker.once('online', goBack).once('exit', goBack);
    worker.on('online', () => {
      if (this.#worker === worker) this.#isOnline = true;
    });
    worker.on('message', (report: Report) => this.#receive(report));
    worker.on('error', (error) => this.#onDeath(worker, error));
    worker.on('exit', () => this.#onDeath(worker, undefined));
    return worker;
  }

  #open(): Worker {
    try {
      return new Worker(distUrl('renewal/worker.js'), {
        workerData: { ...this.#setup, ring: this.#ring.memory } satisfies WorkerSetup,
        name: 'holdfast-keeper',
        // The owner's loaders and inspector are none of the worker's business.
        execArgv: [],
        // A copy of the environment aborts where a variable has no name.
        env: SHARE_ENV,
        stdin: false,
      });
    } catch (cause) {
      if (errnoOf(cause) !== 'EACCES') throw cause;
      throw new LockError(
        "Could not keep a lease: Node's permission model forbids worker threads. Start node with --allow-worker as well.",
        { code: 'HOLDFAST_BACKEND_UNAVAILABLE', cause },
      );
    }
  }

  #receive(report: Report): void {
    const hold = this.#holds.get(report.id);
    if (hold === undefined) return;
    switch (report.kind) {
      case 'done':
        return hold.answer?.resolve();
      case 'failed':
        return hold.answer?.reject(fromWire(report.error));
      case 'renewed':
        return hold.listener.onRenewed(report.remainingMs, report.error && fromWire(report.error));
      case 'lost':
        return hold.listener.onLost(report.reason);
    }
  }

  /** The leases it kept end at their deadlines, which their owners' own timers report. The next lease gets a new thread. */
  #onDeath(worker: Worker, cause: Error | undefined): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#opened.clear();
    this.#sharedPage = undefined;
    const holds = [...this.#holds.values()];
    this.#holds.clear();
    for (const hold of holds) hold.answer?.reject(threadError('it ended', cause));
  }
}

function threadError(fact: string, cause?: Error): LockError {
  const detail = cause === undefined ? fact : `${fact} (${cause.message})`;
  return new LockError(
    `Could not keep a lease: the thread that renews it is not there, ${detail}. Others get the lock when the lease has run out.`,
    { code: 'HOLDFAST_IO', cause },
  );
}
