import { readFileSync } from 'node:fs';

import type { CommandForm } from './spec.js';

/** Beside this file in dist/: the build writes the forms of all commands, so that help loads none of their code. */
export const FORMS_FILE = new URL('commands.json', import.meta.url);

export function readForms(): readonly CommandForm[] {
  return JSON.parse(readFileSync(FORMS_FILE, 'utf8')) as readonly CommandForm[];
}
