import { readProcessStat } from '../platform/process-stat.js';

/** What a supervisor or a terminal sends; without a listener each would end the parent before its child. */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * Ctrl-C, Ctrl-Break and the closing of the window, as Node names them. The console sends each to every process in it, so
 * they are only survived: the lock is held until the command has ended. After a closed window Windows leaves some seconds.
 */
const FROM_CONSOLE = ['SIGINT', 'SIGBREAK', 'SIGHUP'] as const;

/** Signals that the terminal driver sends to the whole foreground process group, so to the child as well. */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

/**
 * Hands signals for this process on to its child, from now until the returned function is called.
 *
 * INT and QUIT reach a child in the terminal's foreground by themselves: there the first of each is only
 * survived, a later one is also forwarded (a sender that aims at this pid alone must be able to insist).
 * Everything else is forwarded always. Job control (TSTP, CONT, TTIN, TTOU) is left alone: the terminal
 * stops and continues the group as a whole.
 */
export function forwardSignals(send: (signal: NodeJS.Signals) => void): () => void {
  const seen = new Set<NodeJS.Signals>();
  const onSignal = (signal: NodeJS.Signals): void => {
    const hasReachedChild = FROM_TERMINAL.includes(signal) && !seen.has(signal) && isInForeground();
    seen.add(signal);
    if (!hasReachedChild) send(signal);
  };
  // On Windows a "forwarded" signal would kill outright.
  const isWindows = process.platform === 'win32';
  const signals = isWindows ? FROM_CONSOLE : FORWARDED;
  const listener = isWindows ? (): void => undefined : onSignal;
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}

/** Asked anew for each signal: job control moves a process group between foreground and background. */
function isInForeground(): boolean {
  const stat = readProcessStat('self');
  if (stat !== undefined) return stat.terminalGroup === stat.processGroup;
  // Loaded only here: with the sockets behind it, it costs every run as much as all that `run` does by itself.
  const { isatty } = process.getBuiltinModule('node:tty');
  return isatty(0) || isatty(2);
}
