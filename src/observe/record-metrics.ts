import type { Meter } from '@opentelemetry/api';

import { subscribe, type Channels } from './subscribe.js';

/** Seconds, as the semantic conventions ask. From a free lock (microseconds) to a long queue. */
const DURATION_BUCKETS = [1e-5, 1e-4, 1e-3, 5e-3, 0.025, 0.1, 0.5, 1, 5, 30, 300];

/** Waits, holds and renewals by backend, mode and outcome. */
export function recordMetrics(meter: Meter, { acquire, hold, renew }: Channels): () => void {
  const inSeconds = { unit: 's', advice: { explicitBucketBoundaries: DURATION_BUCKETS } };
  const waits = meter.createHistogram('holdfast.acquire.duration', {
    ...inSeconds,
    description: 'From asking for a lock to the answer',
  });
  const holds = meter.createHistogram('holdfast.hold.duration', {
    ...inSeconds,
    description: 'From the grant of a lock to its release or loss',
  });
  const held = meter.createUpDownCounter('holdfast.held', { description: 'Locks held now' });
  const renewals = meter.createCounter('holdfast.renewals', { description: 'Renewals of leases' });

  // Holds that began before the bridge end after it: they were not counted up.
  const counted = new WeakSet<object>();
  const stops = [
    subscribe(acquire, {
      asyncEnd: ({ waitedMs = 0, backend, mode, outcome }) =>
        waits.record(waitedMs / 1_000, attributes({ backend, mode, outcome })),
    }),
    subscribe(hold, {
      start: (event) => {
        counted.add(event);
        held.add(1, attributes({ backend: event.backend, mode: event.mode }));
      },
      asyncEnd: (event) => {
        const { heldMs = 0, backend, mode, outcome } = event;
        if (counted.delete(event)) held.add(-1, attributes({ backend, mode }));
        holds.record(heldMs / 1_000, attributes({ backend, mode, outcome }));
      },
    }),
    subscribe(renew, {
      asyncEnd: ({ backend, error }) =>
        renewals.add(1, attributes({ backend, outcome: error === undefined ? 'renewed' : 'failed' })),
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function attributes(facts: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const named: Record<string, string> = {};
  for (const [name, value] of Object.entries(facts)) {
    if (value !== undefined) named[`holdfast.${name}`] = value;
  }
  return named;
}
