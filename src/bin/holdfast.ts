import { execute } from '../cli/commands/run.js';
import { parseCommand } from '../cli/parse.js';
import { reportError } from '../cli/render/error.js';
import { hideCredentials } from '../cli/title.js';
import { RUN } from '../cli/specs/run.js';
import { inheritedDescriptors } from '../process/inherited-descriptors.js';

// `run` starts without loading anything but this file; every other command is worth some milliseconds more.
const args = process.argv.slice(2);
hideCredentials(args);
void (args[0] === 'run' ? runAtOnce(args.slice(1)) : runAny()).then((code) => {
  process.exitCode = code;
  // Nothing is left to do, and stderr is written at once but on Windows: no need to wind the event loop down.
  if (args[0] === 'run' && process.platform !== 'win32') process.exit();
});

async function runAtOnce(words: readonly string[]): Promise<number> {
  // Before anything is opened: later on Node's own descriptors cannot be told from those of our caller.
  const inherited = inheritedDescriptors();
  try {
    const parsed = parseCommand(RUN, words);
    if (parsed.has('help')) return await runAny();
    return await execute(parsed, inherited);
  } catch (error) {
    return reportError(error);
  }
}

async function runAny(): Promise<number> {
  const { main } = await import('../cli/main.js');
  return main(args);
}
