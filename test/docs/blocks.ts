import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A code block whose info string says `run`: ```js run, ```ts run, ```sh run exit=75. */
export interface RunnableBlock {
  readonly page: string;
  /** Of its first line, for a click. */
  readonly line: number;
  readonly language: string;
  readonly exitCode: number;
  /** Of `with=`: what stands around it. See settings.ts. */
  readonly setting: string | undefined;
  readonly code: string;
  /** Of the block that follows at once with the info string `text output`. */
  readonly output: string | undefined;
}

const FENCE = /^```(\w+)(?: ([^\n]*))?\n([\s\S]*?)^```$/gm;
const OUTPUT = /^\s*```text output\n([\s\S]*?)^```$/m;

export function runnableBlocks(): RunnableBlock[] {
  return ['README.md', ...documents()].flatMap((page) => blocksOf(page, read(page)));
}

function documents(): string[] {
  const names = readdirSync(`${root}/docs`, { recursive: true, encoding: 'utf8' });
  const examples = readdirSync(`${root}/examples`).map((name) => `examples/${name}/README.md`);
  return [
    ...names.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
    ...examples.filter((path) => existsSync(`${root}/${path}`)),
  ].toSorted();
}

function read(page: string): string {
  return readFileSync(`${root}/${page}`, 'utf8');
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

function blocksOf(page: string, text: string): RunnableBlock[] {
  return [...text.matchAll(FENCE)].flatMap((match) => {
    const [whole, language = '', info = '', code = ''] = match;
    const words = info.split(' ');
    if (!words.includes('run')) return [];
    const rest = text.slice(match.index + whole.length);
    const output = OUTPUT.exec(rest);
    const isNext = output !== null && rest.slice(0, output.index).trim() === '';
    return {
      page,
      line: lineAt(text, match.index) + 1,
      language,
      exitCode: Number(/exit=(\d+)/.exec(info)?.[1] ?? 0),
      setting: /with=(\S+)/.exec(info)?.[1],
      code,
      output: isNext ? output[1] : undefined,
    };
  });
}

/** A block of a language that can be run, and how it says that it is true. */
export interface ShownBlock {
  readonly where: string;
  readonly info: string;
}

const RUNNABLE = new Set(['js', 'ts', 'sh', 'bash']);

/** Every such block below docs/ and in the examples. */
export function shownBlocks(): ShownBlock[] {
  return documents().flatMap((page) =>
    [...read(page).matchAll(FENCE)].flatMap(({ 1: language = '', 2: info = '', index }) =>
      RUNNABLE.has(language) ? [{ where: `${page}:${lineAt(read(page), index)}`, info }] : [],
    ),
  );
}
