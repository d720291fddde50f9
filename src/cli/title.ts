import { withoutCredentials } from '../core/credentials.js';

/** Takes user names and passwords of addresses out of what ps(1) shows of this process. */
export function hideCredentials(args: readonly string[]): void {
  const shown = args.join(' ');
  if (!shown.includes('://')) return;
  const clean = args.map(withoutCredentials).join(' ');
  // Short of the first arguments' own place, so that nothing of them is left behind it.
  if (clean !== shown) process.title = `holdfast ${clean}`;
}
