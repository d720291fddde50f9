import { formatDuration } from '../../../core/duration.js';

/** `5 min ago`; a clock that was set back shows as such. */
export function describeAge(ageMs: number): string {
  return ageMs < 0 ? `${formatDuration(-ageMs)} in the future` : `${formatDuration(ageMs)} ago`;
}

/** `512 bytes`, `98.3 kB`, `1.2 MB`: powers of ten, as disks and downloads are counted. */
export function describeSize(sizeBytes: number): string {
  if (sizeBytes < 1_000) return `${sizeBytes} bytes`;
  if (sizeBytes < 999_950) return `${(sizeBytes / 1_000).toFixed(1)} kB`;
  if (sizeBytes < 999_950_000) return `${(sizeBytes / 1_000_000).toFixed(1)} MB`;
  return `${(sizeBytes / 1_000_000_000).toFixed(2)} GB`;
}
