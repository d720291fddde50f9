import type { TracingChannel, TracingChannelSubscribers } from 'node:diagnostics_channel';

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
