import { closeSync, openSync, rmSync, writeSync } from 'node:fs';

/** The whole output of one build in a file, and its last lines in memory. */
export interface BuildLog {
  readonly path: string;
  line(text: string): void;
  /** The last lines since the last call of `mark`. */
  tail(): readonly string[];
  mark(): void;
  close(): void;
}

/** Replaces the log at `path`. A log that cannot be written (a full disk) is cut short; the build itself fails for the reason. */
export function openBuildLog(path: string, keepLines: number): BuildLog {
  // A new one each time: whatever else has the name, a link of another user for one, is not written to.
  rmSync(path, { force: true });
  const fd = openSync(path, 'wx', 0o644);
  let lines: string[] = [];
  let isWritable = true;
  return {
    path,
    line(text) {
      lines.push(text);
      if (lines.length > 4 * keepLines) lines = lines.slice(-keepLines);
      if (!isWritable) return;
      try {
        writeSync(fd, `${text}\n`);
      } catch {
        isWritable = false;
      }
    },
    tail: () => lines.slice(-keepLines),
    mark: () => {
      lines = [];
    },
    close: () => closeSync(fd),
  };
}
