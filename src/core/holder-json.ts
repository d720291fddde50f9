import type { HolderInfo } from './backend.js';

/** `holder`, with its token as a decimal string when it is turned into JSON, which has no BigInt. */
export function printable(holder: HolderInfo): HolderInfo {
  const { fencingToken } = holder;
  if (fencingToken === undefined) return holder;
  const toJSON = (): object => ({ ...holder, fencingToken: String(fencingToken) });
  return Object.defineProperty({ ...holder }, 'toJSON', { value: toJSON });
}
