import type { AcquireRequest, Attempt, Backend } from '../../core/backend.js';
import type { Clock } from '../../core/time.js';
import { formatDuration } from '../../core/duration.js';
import type { LockError } from '../../core/errors.js';
import { releaseLate } from '../../core/wait.js';
import { asOutage, unavailableError } from '../../net/unavailable.js';
import { SERVER_ANSWER_MS } from '../../net/within.js';

/** Of the caller's time: what is left of it is enough to report the failure before the deadline passes. */
const ANSWER_PART = 0.95;
/** A call with more time than this is answered by the limits on single requests. */
const GUARDED_BELOW_MS = 4 * SERVER_ANSWER_MS;

/**
 * `backend`, whose first answer comes before the caller's deadline or not at all: loading the client, connecting and
 * settling count. Without an answer it is not known whether the lock is held, so the failure is
 * HOLDFAST_BACKEND_UNAVAILABLE and never a timeout. A grant that comes later is released.
 */
export function answeringInTime(backend: Backend, display: string, clock: Clock): Backend {
  return {
    ...backend,
    tryAcquire(request, signal): Attempt | Promise<Attempt> {
      const attempt = backend.tryAcquire(request, signal);
      const { timeoutMs = 0 } = request;
      if (!(attempt instanceof Promise) || timeoutMs === 0 || timeoutMs > GUARDED_BELOW_MS) return attempt;
      return inTime(clock, request, timeoutMs, attempt, display);
    },
  };
}

/** The server has not answered within the timeout. */
export function unansweredError(display: string, { resource, timeoutMs = 0 }: AcquireRequest): LockError {
  const fact = `it did not answer within the timeout of ${formatDuration(timeoutMs)}`;
  const nextStep = 'Check that it runs and is reachable, or raise the timeout';
  return asOutage(unavailableError(`${display}#${resource}`, fact, nextStep));
}

function inTime(
  clock: Clock,
  request: AcquireRequest,
  timeoutMs: number,
  attempt: Promise<Attempt>,
  display: string,
): Promise<Attempt> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = clock.setTimer(timeoutMs * ANSWER_PART, () => {
      isLate = true;
      releaseLate(attempt);
      reject(unansweredError(display, request));
    });
    attempt.then(
      (answer) => {
        timer.clear();
        if (!isLate) resolve(answer);
      },
      (error: unknown) => {
        timer.clear();
        reject(error);
      },
    );
  });
}
