import { createInterface } from 'node:readline/promises';

import { escapeText } from '../core/escape.js';
import { note } from './output.js';

/** Asks on stderr for one line of stdin; undefined when there is no answer: Ctrl-C, Ctrl-D, an input that has ended. */
export async function ask(question: string): Promise<string | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<undefined>((resolve) => terminal.once('close', () => resolve(undefined)));
  const answer = await Promise.race([terminal.question(escapeText(question)), closed]);
  if (answer === undefined) note('');
  terminal.close();
  return answer;
}
