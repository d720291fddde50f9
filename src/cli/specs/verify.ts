import { JSON_OPTION, type CommandSpec } from '../spec.js';

export const VERIFY: CommandSpec = {
  name: 'verify',
  summary: 'Prove or refute that locks exclude on a file system',
  usage: ['verify [OPTIONS] DIR', 'verify [OPTIONS] --peer [HOST:]PATH DIR'],
  description: [
    'Lets two processes race in a folder of their own inside DIR, for about 15 s: exclusive create, link, rename, what each sees of the other and when, time stamps, kernel locks and leases, with a holder that is killed and one that is stopped. Says of flock and of lease whether they are safe there, and why. The folder goes afterwards.',
    'Both processes work in DIR unless --peer names another path to the same directory: a second mount, or one on another host, where "holdfast verify --serve" is started through ssh. Only that tells whether locks exclude between hosts.',
    'Exits 0 when the backend that a plain path in DIR gets is safe, 78 when it is not, and 76 when that is not known.',
  ],
  options: [
    { name: 'peer', value: '[HOST:]PATH', help: 'Where the second process works', default: 'DIR' },
    { name: 'rsh', value: 'CMD', help: 'What starts a process on HOST', default: 'ssh' },
    { name: 'rounds', value: 'N', kind: 'count', help: 'Races per check', default: '40' },
    {
      name: 'lease',
      value: 'DUR',
      kind: 'duration',
      help: 'Lease duration to try, longer on slow shares',
      default: '2s',
    },
    { name: 'quiet', short: ['q'], help: 'Say nothing about the progress' },
    { name: 'serve', help: 'Be the peer of another verification: obey orders on stdin' },
    JSON_OPTION,
  ],
  positionals: [{ name: 'DIR', help: 'A directory that may be written to', completes: 'directory' }],
  examples: [
    { command: 'holdfast verify /mnt/share', help: 'What one host can tell' },
    { command: 'holdfast verify --peer build2:/mnt/share /mnt/share', help: 'Between two hosts' },
  ],
  load: () => import('../commands/verify.js'),
};
