import { readFileSync } from 'node:fs';

import type { CommandForm } from './spec.js';

/** Beside this file in dist/: the build writes the forms of all commands, so that help loads none of their code. */
export const FORMS_FILE = new URL('commands.json', import.meta.url);

export function readForms(): readonly CommandForm[] {
  return JSON.parse(readFileSync(FORMS_FILE, 'utf8')) as readonly CommandForm[];
}

/** The command that `words` begin with, the longest name first, and how many words its name takes. */
export function findCommand<C extends { readonly name: string }>(
  commands: readonly C[],
  words: readonly string[],
): { command: C; length: number } | undefined {
  let found: { command: C; length: number } | undefined;
  for (const command of commands) {
    const name = command.name.split(' ');
    if (name.length <= (found?.length ?? 0)) continue;
    if (name.every((word, index) => words[index] === word)) found = { command, length: name.length };
  }
  return found;
}
