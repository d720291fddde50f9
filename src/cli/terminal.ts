import { isatty } from 'node:tty';

import { isLive } from './render/style.js';

/** Whether a person watches stderr, so that a status line makes sense there. */
export function isStderrLive(): boolean {
  return isLive({ isTTY: isatty(2) });
}

/** Whether stdout is a terminal, not a pipe or a file. */
export function isStdoutTerminal(): boolean {
  return isatty(1);
}

/** Whether keys can be read and a whole screen be painted: not on a dumb terminal, nor where input or output is piped. */
export function isFullScreenPossible(): boolean {
  return isatty(0) && isatty(1) && !['dumb', '', undefined].includes(process.env['TERM']);
}

/** Columns of the terminal at stderr. */
export function stderrColumns(): number {
  try {
    return process.stderr.columns ?? 80;
  } catch {
    // The terminal is gone.
    return 80;
  }
}

/** Columns for prose on stdout: a pipe gets 80, and longer lines than 100 are hard to follow. */
export function proseWidth(): number {
  return Math.min(process.stdout.columns ?? 80, 100);
}

/** Columns for tables on stdout; in a pipe nothing is cut. */
export function tableWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns : Infinity;
}
