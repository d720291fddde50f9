import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { whenFinished } from './finish.js';
import { cleanEnvironment, HOLDFAST } from './holdfast.js';
import { eventually } from './processes.js';

/** A real terminal, without a person. Its server is this test's own and goes with it. */
export class Terminal {
  readonly #socket: string;

  constructor(directory: string, columns: number) {
    this.#socket = join(directory, 'tmux');
    // An interactive shell, so that job control and the terminal's signals work as for a person.
    const shell = 'bash --norc --noprofile -i';
    this.#tmux(
      '-f',
      '/dev/null',
      'new-session',
      '-d',
      '-x',
      String(columns),
      '-y',
      '20',
      '-c',
      directory,
      shell,
    );
    this.type(`PS1='$ '; H='${process.execPath} ${HOLDFAST}'; clear`);
  }

  #tmux(...args: string[]): string {
    const env = cleanEnvironment({ TMUX: undefined, TERM: 'screen' });
    const { status, stdout, stderr } = spawnSync('tmux', ['-S', this.#socket, ...args], {
      encoding: 'utf8',
      env,
    });
    if (status !== 0) throw new Error(`tmux ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  type(line: string): void {
    this.#tmux('send-keys', '-l', line);
    this.#tmux('send-keys', 'Enter');
  }

  press(key: string): void {
    this.#tmux('send-keys', key);
  }

  /** The screen without the blank lines below. */
  screen(): string {
    return this.#tmux('capture-pane', '-p').trimEnd();
  }

  /** Resolves with the screen once it matches. */
  async shows(pattern: RegExp): Promise<string> {
    try {
      return await eventually(`the terminal shows ${pattern}`, () => {
        const screen = this.screen();
        return pattern.test(screen) ? screen : undefined;
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}, but\n${this.screen()}`, { cause: error });
    }
  }

  /** The same with the sequences of colours and styles. */
  styledScreen(): string {
    return this.#tmux('capture-pane', '-p', '-e').trimEnd();
  }

  resize(columns: number): void {
    this.#tmux('resize-window', '-x', String(columns));
  }

  /** What a program may leave behind: another screen, no cursor, no wrapping at the edge. */
  modes(): string {
    return this.#tmux(
      'display',
      '-p',
      'alternate=#{alternate_on} cursor=#{cursor_flag} wrap=#{wrap_flag}',
    ).trim();
  }

  kill(): void {
    this.#tmux('kill-server');
  }
}

/** An interactive shell in `directory`, where `$H` is the command. */
export async function openTerminal(directory: string, columns = 100): Promise<Terminal> {
  const terminal = new Terminal(directory, columns);
  whenFinished(() => terminal.kill());
  await terminal.shows(/^\$$/);
  return terminal;
}
