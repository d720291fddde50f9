import { type ChildProcess, spawn } from 'node:child_process';

import { captureOutput } from './output.js';
import { resolveProgram } from './program.js';

/** Of what it says on stderr; the tail explains why it ended. */
const MAX_STDERR_BYTES = 16 * 1024;

export interface Conversation {
  readonly pid: number | undefined;
  /** One line; lost when it has ended. */
  send(line: string): void;
  /** Ends its standard input, which is its signal to go. */
  close(): void;
  kill(signal: NodeJS.Signals): void;
  /** Never rejects. `cause` is there when it could not be started. */
  readonly ended: Promise<{ readonly stderr: string; readonly cause?: Error }>;
}

/**
 * Starts a program that is talked with in lines, without a terminal and without a shell, in a process group of its own:
 * Ctrl-C is for this process to answer. It must end when its standard input does.
 */
export function converse(
  file: string,
  args: readonly string[],
  onLine: (line: string) => void,
): Conversation {
  const program = resolveProgram(file, args, { env: process.env });
  const child: ChildProcess = spawn(program.file, program.args, {
    windowsVerbatimArguments: program.windowsVerbatimArguments === true,
    detached: process.platform !== 'win32',
    windowsHide: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('spawned without pipes');
  captureOutput(stdout, 0, onLine);
  const said = captureOutput(stderr, MAX_STDERR_BYTES);
  stdin.on('error', () => undefined);
  let cause: Error | undefined;
  const ended = new Promise<{ stderr: string; cause?: Error }>((resolve) => {
    const settle = (): void => resolve({ stderr: said.text(), ...(cause && { cause }) });
    child.once('close', settle);
    child.on('error', (error) => {
      cause = error;
      if (child.pid === undefined) settle();
    });
  });
  return {
    pid: child.pid,
    send: (line) => void stdin.write(`${line}\n`),
    close: () => void stdin.end(),
    kill: (signal) => void child.kill(signal),
    ended,
  };
}
