import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A code block whose info string says `run`: ```js run, ```ts run, ```sh run exit=75. */
export interface RunnableBlock {
  readonly page: string;
  /** Of its first line, for a click. */
  readonly line: number;
  readonly language: string;
  readonly exitCode: number;
  readonly code: string;
  /** Of the block that follows at once with the info string `text output`. */
  readonly output: string | undefined;
}

const FENCE = /^```(\w+)(?: ([^\n]*))?\n([\s\S]*?)^```$/gm;
const OUTPUT = /^\s*```text output\n([\s\S]*?)^```$/m;

export function runnableBlocks(): RunnableBlock[] {
  const docs = readdirSync(`${root}/docs`, { recursive: true, encoding: 'utf8' });
  const pages = ['README.md', ...docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
  return pages.toSorted().flatMap((page) => blocksOf(page, readFileSync(`${root}/${page}`, 'utf8')));
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
      line: text.slice(0, match.index).split('\n').length + 1,
      language,
      exitCode: Number(/exit=(\d+)/.exec(info)?.[1] ?? 0),
      code,
      output: isNext ? output[1] : undefined,
    };
  });
}
