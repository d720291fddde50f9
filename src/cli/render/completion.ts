import type { CommandForm } from '../spec.js';
import { bashScript } from './completion-bash.js';
import { fishScript } from './completion-fish.js';

/** A static script. Completing a word starts no process of ours, but for the names of locks and the ids of holders. */
export function completionScript(shell: 'bash' | 'zsh' | 'fish', commands: readonly CommandForm[]): string {
  if (shell === 'bash') return bashScript(commands);
  // zsh can run bash's completion functions; one generator then serves both.
  if (shell === 'zsh') return `autoload -U +X bashcompinit && bashcompinit\n${bashScript(commands)}`;
  return fishScript(commands);
}
