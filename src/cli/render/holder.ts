import type { HolderInfo } from '../../core/backend.js';

/** `pid 4711 (make) since 12:03:04`: as short as it can be said. */
export function holderInShort(holder: HolderInfo, now: Date): string {
  const name = holder.command ?? holder.program;
  const parts = [
    holder.pid === undefined ? undefined : `pid ${holder.pid}`,
    name === undefined || holder.pid === undefined ? name : `(${name})`,
    holder.sinceAt === undefined ? undefined : `since ${timeInShort(holder.sinceAt, now)}`,
  ].filter((part) => part !== undefined);
  if (parts.length > 0) return parts.join(' ');
  return holder.note?.replace(/^held, /, 'a process ') ?? holder.holderId ?? 'an unknown holder';
}

/** `pid 1 (a) and 2 more`; undefined when no holder can be named. */
export function holdersInShort(holders: readonly HolderInfo[] | undefined, now: Date): string | undefined {
  const [first, ...others] = (holders ?? []).filter(({ state }) => state === 'holder');
  if (first === undefined) return undefined;
  return others.length === 0
    ? holderInShort(first, now)
    : `${holderInShort(first, now)} and ${others.length} more`;
}

/** The local time of day; with the date when that was another day. */
export function timeInShort(iso: string, now: Date): string {
  const at = new Date(iso);
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':');
  if (at.toDateString() === now.toDateString()) return time;
  return `${[at.getFullYear(), twoDigits(at.getMonth() + 1), twoDigits(at.getDate())].join('-')} ${time}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
