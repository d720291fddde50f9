import { execute, spec } from '../cli/commands/run.js';
import { parseCommand } from '../cli/parse.js';
import { reportError } from '../cli/render/error.js';
import { hideCredentials } from '../cli/title.js';
import { rawArguments } from '../process/bytes.js';
import { inheritedDescriptors } from '../process/descriptors.js';

/** `holdfast run WORDS`; what the launcher calls. Returns the exit code. */
export async function run(words: readonly string[]): Promise<number> {
  // Before anything is opened: later on Node's own descriptors cannot be told from those of our caller.
  const inherited = inheritedDescriptors();
  const raw = rawArguments(words);
  hideCredentials(['run', ...words]);
  try {
    const parsed = parseCommand(spec, words);
    if (!parsed.has('help')) return await execute(parsed, { inherited, raw });
    const { main } = await import('../cli/main.js');
    return await main(['help', 'run']);
  } catch (error) {
    return reportError(error);
  }
}
