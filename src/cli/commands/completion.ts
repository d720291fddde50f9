import { print } from '../output.js';
import { completionScript } from '../render/completion.js';
import type { ParsedArguments } from '../spec.js';
import { COMMANDS } from '../table.js';

export function execute({ positionals }: ParsedArguments): number {
  print(completionScript(positionals[0] as 'bash' | 'zsh' | 'fish', COMMANDS));
  return 0;
}
