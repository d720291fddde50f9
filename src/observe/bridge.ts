import { metrics, trace } from '@opentelemetry/api';

import { recordMetrics } from './record-metrics.js';
import { CHANNELS } from './subscribe.js';
import { traceSpans } from './trace-spans.js';

const INSTRUMENTATION = 'holdfast';

export interface BridgeOptions {
  /** `holdfast.acquire` and `holdfast.hold` as spans. Default true. */
  readonly spans?: boolean;
  /** Waits, holds and renewals as metrics, without the names of resources: those have no bound. Default true. */
  readonly metrics?: boolean;
}

/**
 * Sends what the diagnostics channels tell to the global providers of `@opentelemetry/api`; set those first. Returns
 * the end of it. Nothing is measured, and nothing costs time, while no bridge is there.
 *
 * @example
 * const stop = bridgeToOpenTelemetry();
 */
export function bridgeToOpenTelemetry(options: BridgeOptions = {}): () => void {
  const stops: (() => void)[] = [];
  if (options.spans !== false) stops.push(traceSpans(trace.getTracer(INSTRUMENTATION), CHANNELS));
  if (options.metrics !== false) stops.push(recordMetrics(metrics.getMeter(INSTRUMENTATION), CHANNELS));
  return () => {
    for (const stop of stops.splice(0)) stop();
  };
}
