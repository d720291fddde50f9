import { JSON_OPTION, type CommandSpec } from '../spec.js';

export const WHY: CommandSpec = {
  name: 'why',
  summary: 'Explain why a lock is not free: who holds it, and what they wait for',
  usage: ['why [OPTIONS] LOCK'],
  description: [
    'Follows the holders of LOCK to the locks that they wait for themselves, and names a deadlock where there is one. Kernel locks only.',
  ],
  options: [JSON_OPTION],
  positionals: [{ name: 'LOCK', help: 'A path' }],
  examples: [{ command: 'holdfast why build.lock', help: 'Who is in the way, and of whom' }],
  load: () => import('../commands/why.js'),
};
