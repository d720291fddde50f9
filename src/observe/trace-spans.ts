import { SpanStatusCode, type Span, type Tracer } from '@opentelemetry/api';

import type { AcquireEvent, HoldEvent } from '../core/events.js';
import { subscribe, type Channels } from './subscribe.js';

/** A span from asking to the answer, and one from the grant to the end of the hold. */
export function traceSpans(
  tracer: Tracer,
  { acquire, hold }: Pick<Channels, 'acquire' | 'hold'>,
): () => void {
  // The event is one object from its start to its end. What never ends goes with it.
  const spans = new WeakMap<object, Span>();

  function start(name: string, event: AcquireEvent | HoldEvent): void {
    const { resource, backend, mode } = event;
    // The channel publishes in the caller's own context, so the span is a child of the caller's.
    const span = tracer.startSpan(name, {
      attributes: { 'holdfast.resource': resource, 'holdfast.backend': backend, 'holdfast.mode': mode },
    });
    if ('holderId' in event) span.setAttribute('holdfast.holder_id', event.holderId);
    spans.set(event, span);
  }

  function end(event: AcquireEvent | HoldEvent, failure: string | undefined, error?: unknown): void {
    const span = spans.get(event);
    if (span === undefined) return;
    spans.delete(event);
    if (event.outcome !== undefined) span.setAttribute('holdfast.outcome', event.outcome);
    if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    if (error instanceof Error) span.recordException(error);
    span.end();
  }

  const stopAcquire = subscribe(acquire, {
    start: (event) => start('holdfast.acquire', event),
    asyncEnd: (event) => end(event, event.error === undefined ? undefined : event.outcome, event.error),
  });
  const stopHold = subscribe(hold, {
    start: (event) => start('holdfast.hold', event),
    asyncEnd: (event) => end(event, event.outcome === 'lost' ? `lost: ${event.lossReason}` : undefined),
  });
  return () => {
    stopAcquire();
    stopHold();
  };
}
