import { spawn, spawnSync, type ChildProcess } from 'node:child_process';

/**
 * What SIGKILL leaves of a full-screen program is a terminal without echo on another screen. A shell of its own session
 * waits for the end of this process (of a pipe), and puts back what was. Modes that another program has set since, such
 * as the line editor of a shell, are left alone: only ours ignore Ctrl-C.
 */
const SCRIPT = `
trap '' INT TERM HUP QUIT TSTP TTIN TTOU
state=off
while read -r word; do state=$word; done
[ "$state" = on ] || exit 0
printf '\\033[?7h\\033[?25h\\033[?1049l'
case $(stty -a <&1) in *-isig*) stty "$1" <&1;; esac
kill -WINCH "$2"
`;

/** Restores the terminal should this process be killed. Where it cannot be started there is none. */
export class Guardian {
  readonly #child: ChildProcess | undefined;

  constructor() {
    const { stdout, status } = spawnSync('stty', ['-g'], {
      stdio: ['inherit', 'pipe', 'ignore'],
      encoding: 'utf8',
    });
    if (status !== 0) return;
    // The shell that started us redraws its prompt on SIGWINCH; any other program ignores it.
    const words = ['-c', SCRIPT, 'holdfast-top', stdout.trim(), String(process.ppid)];
    const child = spawn('/bin/sh', words, { detached: true, stdio: ['pipe', 'inherit', 'ignore'] });
    child.on('error', () => undefined);
    child.stdin.on('error', () => undefined);
    child.unref();
    (child.stdin as unknown as { unref(): void }).unref();
    this.#child = child;
  }

  /** `on`: the terminal is ours now, and is to be restored. */
  notify(state: 'on' | 'off'): void {
    this.#child?.stdin?.write(`${state}\n`);
  }
}
