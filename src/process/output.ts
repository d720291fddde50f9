import { StringDecoder } from 'node:string_decoder';
import type { Readable } from 'node:stream';

/** A line that long without an end is handed on in pieces. */
const MAX_LINE_LENGTH = 64 * 1024;

export interface Capture {
  /** The last `maxBytes` of what arrived, as UTF-8. Call it once the stream has ended. */
  text(): string;
  readonly isTruncated: boolean;
}

/**
 * Reads `stream` to its end and keeps the tail of it: errors stand at the end. `onLine` gets each line
 * without its end (LF, CRLF, or the CR of a progress display), truncated or not.
 */
export function captureOutput(stream: Readable, maxBytes: number, onLine?: (line: string) => void): Capture {
  let chunks: Buffer[] = [];
  let keptBytes = 0;
  let isTruncated = false;
  const split = onLine === undefined ? undefined : lineSplitter(onLine);
  stream.on('data', (chunk: Buffer) => {
    split?.push(chunk);
    chunks.push(chunk);
    keptBytes += chunk.length;
    // Twice the limit before copying, so that each byte is copied a bounded number of times.
    if (keptBytes > 2 * maxBytes) {
      chunks = [tail(chunks, maxBytes)];
      keptBytes = maxBytes;
      isTruncated = true;
    }
  });
  stream.on('error', () => undefined);
  stream.once('close', () => split?.end());
  return {
    text: () => tail(chunks, maxBytes).toString('utf8'),
    get isTruncated() {
      return isTruncated || keptBytes > maxBytes;
    },
  };
}

function tail(chunks: readonly Buffer[], maxBytes: number): Buffer {
  const all = Buffer.concat(chunks);
  // A copy: a view would keep everything before it in memory.
  return all.length <= maxBytes ? all : Buffer.from(all.subarray(all.length - maxBytes));
}

function lineSplitter(onLine: (line: string) => void): { push(chunk: Buffer): void; end(): void } {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const drain = (): void => {
    // A CR at the very end may be the first half of a CRLF.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    lines.forEach(onLine);
    if (rest.length > MAX_LINE_LENGTH) {
      onLine(rest);
      rest = '';
    }
  };
  return {
    push: (chunk) => {
      rest += decoder.write(chunk);
      drain();
    },
    end: () => {
      rest += decoder.end();
      if (rest !== '') onLine(rest.replace(/\r$/, ''));
      rest = '';
    },
  };
}
