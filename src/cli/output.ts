import { writeSync } from 'node:fs';

import { escapeText } from '../core/escape.js';

// With print.ts the only module that writes to stdout and stderr; lint holds it. What people read is escaped there.

/** Exactly these bytes on stdout: JSON, exports, the content of a cache. */
export function printPayload(payload: string | Uint8Array): void {
  watchStdout();
  process.stdout.write(payload);
}

/** One line about the work, on stderr. */
export function note(text: string): void {
  writeToStderr(`${escapeText(text)}\n`);
}

const CLEAR_LINE = '\r\u001b[K';

/** Rewrites the status line of a terminal; without text it is cleared. */
export function showStatus(text = ''): void {
  writeToStderr(CLEAR_LINE + escapeText(text));
}

/**
 * Printing on stderr is no part of the work: a full disk, a closed pipe or a vanished terminal changes no outcome. Written
 * without the stream of Node, whose errors come later and which cannot be made on a terminal that hung up.
 */
function writeToStderr(text: string): void {
  let bytes: Uint8Array = Buffer.from(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(writeSync(2, bytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') writeByStream(bytes);
  }
}

/** A pipe that its other end made non-blocking is full: Node's stream waits. */
function writeByStream(bytes: Uint8Array): void {
  try {
    if (process.stderr.listenerCount('error') === 0) process.stderr.on('error', () => undefined);
    process.stderr.write(bytes);
  } catch {
    // As above.
  }
}

let isWatched = false;
let failure: NodeJS.ErrnoException | undefined;

function watchStdout(): void {
  if (isWatched) return;
  isWatched = true;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => (failure ??= error));
}

/** Calls `listener` once nothing that is written to stdout is read any more. */
export function onStdoutEnd(listener: () => void): void {
  watchStdout();
  process.stdout.once('error', listener).once('close', listener);
}

/** `holdfast claims watch | head -1` has closed our stdout: nothing that follows is read. */
export function isStdoutClosed(): boolean {
  return failure?.code === 'EPIPE';
}

/**
 * Resolves once stdout has taken everything, with the error that kept it from that. A reader that closed the pipe had
 * enough: that is its right and no error.
 */
export async function stdoutFailure(): Promise<NodeJS.ErrnoException | undefined> {
  if (!isWatched) return undefined;
  // An error of an earlier write is emitted before this one's callback is called.
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  return isStdoutClosed() ? undefined : failure;
}
