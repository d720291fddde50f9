import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * A code block whose info string says `run`: ```js run, ```ts run, ```sh run exit=75. Each is run in a folder of its own.
 * Those that say `step` are run one after the other in one folder for the page. See steps.ts.
 */
export interface RunnableBlock {
  readonly page: string;
  /** Of its first line, for a click. */
  readonly line: number;
  readonly language: string;
  readonly exitCode: number;
  /** Of `with=`: what stands around it. See settings.ts. */
  readonly setting: string | undefined;
  readonly code: string;
  readonly info: string;
  /** Of the block that follows at once with the info string `text output`, or `text output like`. */
  readonly output: string | undefined;
  /** `like`: numbers, times and names of hosts may differ. */
  readonly isOutputExact: boolean;
}

const FENCE = /^```(\w+)(?: ([^\n]*))?\n([\s\S]*?)^```$/gm;
const OUTPUT = /^\s*```text output( like)?\n([\s\S]*?)^```$/m;

export function runnableBlocks(): RunnableBlock[] {
  return blocksThatSay('run');
}

/** By page. */
export function steppedPages(): ReadonlyMap<string, RunnableBlock[]> {
  const pages = new Map<string, RunnableBlock[]>();
  for (const block of blocksThatSay('step')) pages.set(block.page, [...(pages.get(block.page) ?? []), block]);
  return pages;
}

function blocksThatSay(word: string): RunnableBlock[] {
  return ['README.md', ...documents()]
    .flatMap((page) => blocksOf(page, read(page)))
    .filter(({ info }) => info.split(' ').includes(word));
}

/** Pages below docs/, by their paths from the root. */
export function documents(): string[] {
  const names = readdirSync(`${root}/docs`, { recursive: true, encoding: 'utf8' });
  const examples = readdirSync(`${root}/examples`).map((name) => `examples/${name}/README.md`);
  return [
    ...names.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
    ...examples.filter((path) => existsSync(`${root}/${path}`)),
  ].toSorted();
}

export function read(page: string): string {
  return readFileSync(`${root}/${page}`, 'utf8');
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

function blocksOf(page: string, text: string): RunnableBlock[] {
  return [...text.matchAll(FENCE)].map((match) => {
    const [whole, language = '', info = '', code = ''] = match;
    const rest = text.slice(match.index + whole.length);
    const output = OUTPUT.exec(rest);
    const isNext = output !== null && rest.slice(0, output.index).trim() === '';
    return {
      page,
      line: lineAt(text, match.index) + 1,
      language,
      exitCode: Number(/exit=(\d+)/.exec(info)?.[1] ?? 0),
      setting: /with=(\S+)/.exec(info)?.[1],
      info,
      code,
      output: isNext ? output[2] : undefined,
      isOutputExact: output?.[1] === undefined,
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
