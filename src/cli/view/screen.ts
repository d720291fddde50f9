import { Guardian } from './guardian.js';

// With output, print, prompt and terminal the only module that touches the terminal's streams; lint holds it.

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const ENDING = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1, SIGQUIT: 3 } as const;

/** Of kill(2). With npx a shell waits in the same group. */
const OWN_GROUP = 0;

const SEQUENCES: Readonly<Record<string, string>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\u007f': 'backspace',
  '\b': 'backspace',
  '\u001b': 'escape',
  '\u001b[A': 'up',
  '\u001bOA': 'up',
  '\u001b[B': 'down',
  '\u001bOB': 'down',
  '\u001b[5~': 'page-up',
  '\u001b[6~': 'page-down',
  '\u001b[H': 'home',
  '\u001b[1~': 'home',
  '\u001b[F': 'end',
  '\u001b[4~': 'end',
};

export interface ScreenListener {
  /** `up`, `enter`, ... or the character itself. */
  onKey(key: string): void;
  /** The size changed, or the shell returned the screen: paint all of it. */
  onRepaint(): void;
  /** A signal, or Ctrl-C: the terminal is restored already. */
  onEnd(exitCode: number): void;
}

/** The terminal as a screen of lines, until {@link leave}; restored however this process ends. */
export class Screen {
  readonly #listener: ScreenListener;
  readonly #guardian = new Guardian();
  #painted: readonly string[] = [];
  #isOn = false;

  constructor(listener: ScreenListener) {
    this.#listener = listener;
    process.stdin.on('data', (chunk: Buffer | string) => this.#read(chunk.toString()));
    // A terminal that hung up.
    process.stdin.on('error', () => this.#end(129));
    process.stdin.on('end', () => this.#end(129));
    process.stdout.on('error', () => this.#end(129));
    process.stdout.on('resize', () => this.#repaint());
    for (const [signal, number] of Object.entries(ENDING)) process.on(signal, () => this.#end(128 + number));
    process.on('SIGTSTP', () => this.#suspend(process.pid));
    process.on('SIGCONT', () => {
      this.enter();
      this.#repaint();
    });
    process.on('exit', () => this.leave());
    this.enter();
  }

  get columns(): number {
    return process.stdout.columns;
  }

  get rows(): number {
    return process.stdout.rows;
  }

  enter(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#guardian.notify('on');
    process.stdin.setRawMode(true);
    process.stdin.resume();
    process.stdout.write(ENTER);
    this.#painted = [];
  }

  leave(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    process.stdout.write(LEAVE);
    process.stdin.setRawMode(false);
    process.stdin.pause();
    this.#guardian.notify('off');
  }

  /** Lines that fit; those that changed are written. They carry styles already. */
  paint(lines: readonly string[]): void {
    if (!this.#isOn) return;
    const shown = lines.slice(0, this.rows);
    let text = '';
    for (let row = 0; row < this.rows; row++) {
      const line = shown[row] ?? '';
      if (line !== (this.#painted[row] ?? '')) text += `\u001b[${row + 1};1H\u001b[K${line}`;
    }
    this.#painted = shown;
    if (text !== '') process.stdout.write(text);
  }

  #repaint(): void {
    if (!this.#isOn) return;
    process.stdout.write('\u001b[2J');
    this.#painted = [];
    this.#listener.onRepaint();
  }

  #read(text: string): void {
    for (const [key] of text.matchAll(/\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])?|[^]/gu)) {
      if (key === '\u0003') this.#end(130);
      else if (key === '\u001a') this.#suspend(OWN_GROUP);
      else if (key === '\u000c') this.#repaint();
      else this.#listener.onKey(SEQUENCES[key] ?? key);
    }
  }

  /** As the terminal would do it, were Ctrl-Z not read as a key; SIGCONT comes back to {@link enter}. */
  #suspend(pid: number): void {
    this.leave();
    process.kill(pid, 'SIGSTOP');
  }

  #end(exitCode: number): void {
    this.leave();
    this.#listener.onEnd(exitCode);
  }
}
