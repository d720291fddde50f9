import { statSync } from 'node:fs';

/**
 * Remembers `file` as it is now. The answer shows later whether it has been made or renewed since: by its own time
 * stamp, compared with its own earlier one, so that no clock of ours comes into it.
 *
 * @throws the errno of stat(2), unless the file or its directory is missing.
 */
export function watchFreshness(file: string): () => boolean {
  const before = modifiedNsOf(file);
  return () => {
    const after = modifiedNsOf(file);
    return after !== undefined && (before === undefined || after > before);
  };
}

function modifiedNsOf(file: string): bigint | undefined {
  try {
    return statSync(file, { bigint: true }).mtimeNs;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
