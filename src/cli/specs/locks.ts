import { JSON_OPTION, type CommandSpec } from '../spec.js';

const LOCK = { name: 'LOCK', help: 'A path or an address' } as const;

export const TEST: CommandSpec = {
  name: 'test',
  summary: 'Tell by the exit code whether a lock is free',
  usage: ['test [OPTIONS] LOCK'],
  description: ['Exits 0 when LOCK is free and 75 when it is held. Creates and changes nothing.'],
  options: [],
  positionals: [LOCK],
  examples: [{ command: 'holdfast test build.lock && echo free', help: 'Only look' }],
  load: () => import('../commands/test.js'),
};

export const WAIT: CommandSpec = {
  name: 'wait',
  summary: 'Wait until a lock is free, without taking it',
  usage: ['wait [OPTIONS] LOCK'],
  description: ['Exits 0 once LOCK is free and 75 when it is still held at the timeout. Creates nothing.'],
  options: [
    {
      name: 'wait',
      short: ['w'],
      aliases: ['timeout', 'lock-timeout'],
      value: 'DUR',
      kind: 'duration',
      help: 'Fail after waiting this long',
      default: 'infinite',
    },
    { name: 'quiet', short: ['q'], help: 'Say nothing about waiting' },
  ],
  positionals: [LOCK],
  examples: [{ command: 'holdfast wait -w 10m build.lock', help: 'Until nobody builds any more' }],
  load: () => import('../commands/wait.js'),
};

export const LS: CommandSpec = {
  name: 'ls',
  summary: 'List locks with their holders and waiters',
  usage: ['ls [OPTIONS] [DIR|ADDRESS...]'],
  description: [
    'In a directory it lists our lock files there and in .holdfast/locks, and any other file that is locked right now.',
  ],
  options: [JSON_OPTION],
  positionals: [
    {
      name: 'DIR|ADDRESS',
      help: 'Where to look; default: the current directory',
      isOptional: true,
      isRepeatable: true,
    },
  ],
  examples: [
    { command: 'holdfast ls', help: 'Locks in this directory' },
    { command: 'holdfast ls --json /srv/jobs', help: 'For programs' },
  ],
  load: () => import('../commands/ls.js'),
};

export const SHOW: CommandSpec = {
  name: 'show',
  summary: 'Show who holds and who waits for one lock',
  usage: ['show [OPTIONS] LOCK'],
  options: [JSON_OPTION],
  positionals: [LOCK],
  examples: [{ command: 'holdfast show build.lock', help: 'Who, since when, with which command' }],
  load: () => import('../commands/show.js'),
};

export const CLEAN: CommandSpec = {
  name: 'clean',
  summary: 'Remove our lock files that nobody holds',
  usage: ['clean [OPTIONS] [DIR]'],
  description: [
    'Looks at the files in DIR and in DIR/.holdfast/locks. Removes those that carry our record and that nobody holds; yarn.lock and Cargo.lock, and whatever else others wrote, stay.',
    'Programs that do not check the inode after locking (flock(1) does not) may lock a removed file: clean while they rest.',
  ],
  options: [{ name: 'dry-run', help: 'Only say what would be removed' }, JSON_OPTION],
  positionals: [
    { name: 'DIR', help: 'Default: the current directory', isOptional: true, completes: 'directory' },
  ],
  examples: [{ command: 'holdfast clean --dry-run /srv/jobs', help: 'Look first' }],
  load: () => import('../commands/clean.js'),
};
