import type { TracingChannel, TracingChannelSubscribers } from 'node:diagnostics_channel';

import { acquireChannel, holdChannel, renewChannel } from '../core/events.js';

export const CHANNELS = { acquire: acquireChannel, hold: holdChannel, renew: renewChannel };
export type Channels = typeof CHANNELS;

const nothing = (): void => undefined;

/** Listens to some moments of a tracing channel. Returns the end of it. */
export function subscribe<Event extends object>(
  channel: TracingChannel<unknown, Event>,
  listeners: Partial<TracingChannelSubscribers<Event>>,
): () => void {
  const all: TracingChannelSubscribers<Event> = {
    start: nothing,
    end: nothing,
    asyncStart: nothing,
    asyncEnd: nothing,
    error: nothing,
    ...listeners,
  };
  channel.subscribe(all);
  return () => channel.unsubscribe(all);
}
