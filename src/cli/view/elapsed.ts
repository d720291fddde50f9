/** `0.4s`, `7s`, `3m12s`, `2h05m`, `4d03h`: at most six columns. `>` before what lasts longer than it was seen. */
export function elapsed(ms: number, isExact = true): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  return `${isExact ? '' : '>'}${inUnits(ms, seconds)}`;
}

function inUnits(ms: number, seconds: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.floor(ms / 100)) / 10}s`;
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${twoDigits(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${twoDigits(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d${twoDigits(hours % 24)}h`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
