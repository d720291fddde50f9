import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

import { EXIT } from '../../src/cli/exit-codes.js';
import { cleanEnvironment, type Outcome } from './holdfast.js';
import { start } from './processes.js';

/** Colours, a window title, a C1 introducer, bidirectional overrides, and a line that looks like one of ours. */
export const NASTY = '\u001b[31m\u001b]0;x\u0007\u009b2J\u202eevil\u2066\u2028\r\nFORGED: line\n\t\u007f';

/** What a field of a record may hold instead of what belongs there. */
export const HOSTILE_VALUES: readonly unknown[] = [
  NASTY,
  NASTY.repeat(300),
  { toString: 1, [NASTY]: NASTY },
  [NASTY],
  -1,
  1e300,
  true,
  null,
];

/** Each object with one of its fields, at any depth, replaced by one of the values. */
export function* hostileVariants(record: object, values = HOSTILE_VALUES): Generator<object> {
  for (const [name, inner] of Object.entries(record)) {
    for (const value of values) yield { ...record, [name]: value };
    if (typeof inner !== 'object' || inner === null) continue;
    for (const variant of hostileVariants(inner as object, values)) {
      yield { ...record, [name]: Array.isArray(inner) ? Object.values(variant) : variant };
    }
  }
}

/** The record with the text in every field that holds text. */
export function withNastyTexts(record: unknown): unknown {
  if (typeof record === 'string') return NASTY;
  if (Array.isArray(record)) return record.map(withNastyTexts);
  if (typeof record !== 'object' || record === null) return record;
  return Object.fromEntries(Object.entries(record).map(([name, inner]) => [name, withNastyTexts(inner)]));
}

const UNSAFE = /[\0-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const DOCUMENTED = new Set<number | null>(Object.values(EXIT));

/** Nothing that moves a cursor, no line of others, no stack, a documented exit code, and JSON where it was asked for. */
export function expectHarmless(
  words: readonly string[],
  outcome: Pick<Outcome, 'code' | 'stdout' | 'stderr'>,
): void {
  const about = JSON.stringify({ words, ...outcome }).slice(0, 3_000);
  expect(DOCUMENTED.has(outcome.code), `exit code: ${about}`).toBe(true);
  const all = `${outcome.stdout}\n${outcome.stderr}`;
  expect(UNSAFE.test(all), `control characters: ${about}`).toBe(false);
  expect(all, about).not.toMatch(/^FORGED/m);
  expect(all, about).not.toMatch(/unexpected error|^\s+at .*:\d+/m);
  if (words.includes('--json') && outcome.stdout !== '') JSON.parse(outcome.stdout);
}

/** Command lines run in one process, so that thousands of them take seconds. */
export class Commands {
  readonly #child: ReturnType<typeof start>;
  readonly #streams = { stdout: '', stderr: '' };
  #wake: () => void = () => undefined;
  #hasEnded = false;

  constructor(cwd: string, env: NodeJS.ProcessEnv = {}) {
    const driver = fileURLToPath(new URL('../cli/commands-driver.mjs', import.meta.url));
    this.#child = start(process.execPath, [driver], { cwd, env: cleanEnvironment(env), stdio: 'pipe' });
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child.process[name]?.setEncoding('utf8').on('data', (text: string) => {
        this.#streams[name] += text;
        this.#wake();
      });
    }
    this.#child.process.once('close', () => {
      this.#hasEnded = true;
      this.#wake();
    });
  }

  async run(...words: string[]): Promise<Pick<Outcome, 'code' | 'stdout' | 'stderr'>> {
    this.#child.process.stdin?.write(`${JSON.stringify(words)}\n`);
    const [stdout, stderr] = [await this.#take('stdout'), await this.#take('stderr')];
    return { code: Number(stdout.code), stdout: stdout.text, stderr: stderr.text };
  }

  /** Runs it and checks what it printed. */
  async harmless(...words: string[]): Promise<void> {
    expectHarmless(words, await this.run(...words));
  }

  async #take(name: 'stdout' | 'stderr'): Promise<{ text: string; code: string }> {
    for (;;) {
      const found = /^([^\0]*)\0(\d+)\n/.exec(this.#streams[name]);
      if (found !== null) {
        this.#streams[name] = this.#streams[name].slice(found[0].length);
        return { text: found[1] as string, code: found[2] as string };
      }
      if (this.#hasEnded) throw new Error(`the driver ended: ${this.#streams.stderr}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
