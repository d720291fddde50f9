import type { CommandSpec } from '../spec.js';

export const BREAK: CommandSpec = {
  name: 'break',
  summary: "End somebody else's hold by force",
  usage: ['break --holder ID [OPTIONS] LOCK'],
  description: [
    'Ends the hold named by ID, which `holdfast show LOCK` tells, and no other. Asks for `yes` unless --force is given. Others get the lock once its holder must have noticed.',
    'Exits 75 when that hold is over already. A kernel lock cannot be broken: it ends with its process.',
  ],
  options: [
    { name: 'holder', value: 'ID', help: 'The holder id' },
    { name: 'force', help: 'Do not ask' },
    {
      name: 'now',
      help: 'Free it at once, although its holder may still be at work: only fencing tokens protect then',
    },
  ],
  positionals: [{ name: 'LOCK', help: 'A path or an address' }],
  examples: [
    {
      command: 'holdfast break lease:/srv/share/index --holder abcdefghijklmnopqrstuvwxyz',
      help: 'After having made sure that it is dead',
    },
  ],
  load: () => import('../commands/break.js'),
};
