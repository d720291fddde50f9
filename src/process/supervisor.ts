import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';

import type { Tether } from '../core/backend.js';
import { errnoName } from '../core/system-error.js';
import { systemClock } from '../platform/clock.js';
import { processStartTime } from '../platform/identity.js';
import { bytesOf, environmentBytes } from './bytes.js';
import {
  endOfStatus,
  EXIT_NOT_EXECUTABLE,
  explainSpawnFailure,
  signalNumber,
  type ChildEnd,
} from './children.js';
import { stdioWith, type ChildRequest, type RunningChild } from './run.js';
import { forwardSignals } from './signals.js';
import {
  endMessage,
  reportReader,
  signalMessage,
  startMessage,
  type SupervisorReport,
} from './supervisor-protocol.js';
import { terminateTree } from './tree.js';

export interface SupervisedRequest extends Omit<ChildRequest, 'lockDescriptor'> {
  /** The supervisor program; see `supervisorFile`. */
  readonly supervisor: string;
  readonly tether: Tether;
  /** Between TERM and KILL. */
  readonly graceMs: number;
  /** The work lasts until the last descendant of the command has ended. */
  readonly isUntilClosed: boolean;
  /** `NAME=value` that only this command's tree has in its environment. */
  readonly environmentMark: string;
}

/** Node's own pipe to the child: a socket whose descriptor is needed, for the thread that renews. */
type Channel = Duplex & { readonly _handle?: { readonly fd?: number } | null };

/**
 * A command below the C supervisor (native/run), which ends it with everything below it when this process is gone, or
 * when the hold comes near its deadline without a renewal, even while this process is stopped. `pid` is the
 * supervisor's, which lives as long as the command and longer.
 */
export class SupervisedChild implements RunningChild {
  readonly pid: number | undefined;
  readonly startTime: number | undefined;
  readonly started: Promise<number | undefined>;
  readonly ended: Promise<ChildEnd>;
  /** The supervisor ends the tree, because the deadline came near without a renewal. */
  isDeadlineNear = false;
  readonly #request: SupervisedRequest;
  #channel: Channel | undefined;
  #command: { readonly pid: number; readonly startTime: number | undefined } | undefined;
  #end: ChildEnd | undefined;
  #onStarted: (pid: number | undefined) => void = () => undefined;

  constructor(request: SupervisedRequest) {
    this.#request = request;
    this.started = new Promise((resolve) => (this.#onStarted = resolve));
    // Before the spawn, so that no signal finds a child without a parent; they are delivered by the event loop, after it.
    const stopForwarding = forwardSignals((signal) => this.#send(signalMessage(signalNumber(signal))));
    const settle = async (failure?: unknown): Promise<ChildEnd> => {
      stopForwarding();
      this.#onStarted(undefined);
      if (failure !== undefined) return this.#explain(failure as NodeJS.ErrnoException, request.supervisor);
      return this.#end ?? this.#withoutSupervisor();
    };
    let child: ChildProcess;
    try {
      child = this.#spawn();
    } catch (error) {
      this.ended = settle(error);
      return;
    }
    this.pid = child.pid;
    this.startTime = child.pid === undefined ? undefined : processStartTime(child.pid);
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(settle(error)));
      child.once('close', () => resolve(settle()));
    });
  }

  /** TERM to the whole tree, the grace, KILL; for a hold that is lost. */
  end(): void {
    this.#send(endMessage());
  }

  #send(message: Buffer): void {
    this.#channel?.write(message);
  }

  #spawn(): ChildProcess {
    const { supervisor, argv, raw, changes = {}, inherited = [], tether } = this.#request;
    const kept = tether.descriptor === undefined ? [] : [tether.descriptor];
    const stdio: ('inherit' | 'ignore' | 'pipe' | number)[] = stdioWith([...inherited, ...kept]);
    const gap = stdio.indexOf('ignore', 3);
    const number = gap < 0 ? stdio.length : gap;
    stdio[number] = 'pipe';
    const child = spawn(supervisor, [String(number)], { env: {}, stdio });
    const channel = child.stdio[number] as Channel;
    this.#channel = channel;
    // A supervisor that is gone is noticed by its end.
    channel.on('error', () => undefined);
    channel.on(
      'data',
      reportReader((report) => this.#receive(report)),
    );
    const { graceMs, isUntilClosed } = this.#request;
    const words = bytesOf(argv, raw);
    const variables = environmentBytes(changes);
    const deadlineMs = tether.deadline();
    this.#send(startMessage({ words, variables, graceMs, isUntilClosed, deadlineMs, kept }));
    return child;
  }

  #receive(report: SupervisorReport): void {
    switch (report.kind) {
      case 'started': {
        const { pid } = report;
        this.#command = { pid, startTime: processStartTime(pid) };
        // Only now: the thread that renews writes to it by itself, and the start must come first.
        const descriptor = this.#channel?._handle?.fd;
        if (descriptor !== undefined && descriptor >= 0) this.#request.tether.publish(descriptor);
        return this.#onStarted(pid);
      }
      case 'not-started':
        this.#end = this.#explain({ code: errnoName(report.errno) }, this.#request.argv[0] ?? '');
        return;
      case 'ended':
        this.#end = endOfStatus(report.status);
        return;
      case 'deadline-near':
        this.isDeadlineNear = true;
    }
  }

  #explain(cause: Partial<NodeJS.ErrnoException>, command: string): ChildEnd {
    const error = Object.assign(new Error(cause.message ?? cause.code), { code: cause.code });
    return explainSpawnFailure(error, command, undefined, process.env);
  }

  /** The kernel has killed the command with its supervisor; what else belonged to it is ended from here. */
  async #withoutSupervisor(): Promise<ChildEnd> {
    const { graceMs, environmentMark } = this.#request;
    if (this.#command === undefined) {
      const cause = new Error('its supervisor ended before it had started it');
      return { kind: 'not-started', exitCode: EXIT_NOT_EXECUTABLE, reason: 'failed', cause };
    }
    await terminateTree({ ...this.#command, environmentMark }, graceMs, systemClock);
    return { kind: 'signaled', signal: signalNumber('SIGKILL') };
  }
}
