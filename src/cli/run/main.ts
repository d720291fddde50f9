import { execute, spec } from '../commands/run.js';
import { parseCommand } from '../parse.js';
import { reportError } from '../render/error.js';
import { hideCredentials } from '../title.js';
import { inheritedDescriptors } from '../../process/descriptors.js';

/** `holdfast run WORDS`; what the launcher calls. Returns the exit code. */
export async function run(words: readonly string[]): Promise<number> {
  // Before anything is opened: later on Node's own descriptors cannot be told from those of our caller.
  const inherited = inheritedDescriptors();
  hideCredentials(['run', ...words]);
  try {
    const parsed = parseCommand(spec, words);
    if (!parsed.has('help')) return await execute(parsed, inherited);
    const { main } = await import('../main.js');
    return await main(['help', 'run']);
  } catch (error) {
    return reportError(error);
  }
}
