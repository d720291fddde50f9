import { metrics, trace } from '@opentelemetry/api';

import { BOOLEAN, checkOptions, type OptionRule } from '../core/check-options.js';
import { recordMetrics } from './record-metrics.js';
import { CHANNELS } from './subscribe.js';
import { traceSpans } from './trace-spans.js';

const INSTRUMENTATION = 'holdfast';

/** Options of {@link bridgeToOpenTelemetry}. */
export interface BridgeOptions {
  /** `holdfast.acquire` and `holdfast.hold` as spans. Default true. */
  readonly spans?: boolean;
  /** Waits, holds and renewals as metrics, without the names of resources: those have no bound. Default true. */
  readonly metrics?: boolean;
}

const BRIDGE_OPTIONS = {
  spans: BOOLEAN,
  metrics: BOOLEAN,
} satisfies Record<keyof BridgeOptions, OptionRule>;

/**
 * Sends the events of the diagnostics channels to the global providers of `@opentelemetry/api`; set those first.
 * Returns a function that ends it. Without a bridge nothing is measured, and nothing costs time.
 *
 * @throws TypeError for an unknown option and a value of the wrong type.
 * @example
 * const stop = bridgeToOpenTelemetry();
 */
export function bridgeToOpenTelemetry(options: BridgeOptions = {}): () => void {
  checkOptions(options, BRIDGE_OPTIONS);
  const stops: (() => void)[] = [];
  if (options.spans !== false) stops.push(traceSpans(trace.getTracer(INSTRUMENTATION), CHANNELS));
  if (options.metrics !== false) stops.push(recordMetrics(metrics.getMeter(INSTRUMENTATION), CHANNELS));
  return () => {
    for (const stop of stops.splice(0)) stop();
  };
}
