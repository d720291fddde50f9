import { execute, spec } from '../cli/commands/run.js';
import { parseCommand } from '../cli/parse.js';
import { reportError } from '../cli/render/error.js';
import { hideCredentials } from '../cli/title.js';
import { warnings } from '../core/warnings.js';
import { rawArguments } from '../process/bytes.js';
import { inheritedDescriptors } from '../process/descriptors.js';

/** `holdfast run WORDS`; what the launcher calls. Returns the exit code. */
export async function run(words: readonly string[]): Promise<number> {
  // Before anything is opened: later on Node's own descriptors cannot be distinguished from those of our caller.
  const inherited = inheritedDescriptors();
  const raw = rawArguments(words);
  hideCredentials(['run', ...words]);
  warnings.areOn = false;
  try {
    const parsed = parseCommand(spec, words);
    const instead = parsed.has('help') ? ['help', 'run'] : parsed.has('version') ? ['version'] : undefined;
    if (instead === undefined) return await execute(parsed, { inherited, raw });
    const { main } = await import('../cli/main.js');
    return await main(instead);
  } catch (error) {
    return reportError(error);
  }
}
