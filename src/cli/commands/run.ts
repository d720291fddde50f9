import type { CommandForm } from '../spec.js';

export { execute } from '../run/execute.js';

export const spec: CommandForm = {
  name: 'run',
  summary: 'Run a command while holding a lock',
  usage: [
    'run [OPTIONS] LOCK [--] COMMAND [ARG...]',
    'run [OPTIONS] LOCK -c STRING',
    'run [OPTIONS] --for DATA_PATH [--] COMMAND [ARG...]',
    'run [OPTIONS] NUMBER',
  ],
  description: [
    'Waits until LOCK is free, takes it, runs COMMAND, and lets go when COMMAND has ended. Options end at LOCK: nothing behind it is read, except a -c that follows at once.',
    'LOCK is a path (the very file is locked, as by flock(1), and never changed unless it is ours) or an address. With a NUMBER and no command, the file descriptor of that number, inherited from the calling shell, is locked for that shell.',
    "The exit code is the command's own, or 128 + N after signal N. Not free in time: 75. Lost while it ran: 76. No permission: 77. Not executable: 126. Not found: 127.",
  ],
  isCutAtPositional: true,
  options: [
    { name: 'exclusive', short: ['x', 'e'], help: 'One holder at a time', default: 'yes' },
    { name: 'shared', short: ['s'], help: 'Share the lock with other shared holders' },
    {
      name: 'nonblock',
      short: ['n'],
      aliases: ['nb', 'nonblocking'],
      help: 'Fail at once instead of waiting',
    },
    {
      name: 'wait',
      short: ['w'],
      aliases: ['timeout', 'lock-timeout'],
      value: 'DUR',
      kind: 'duration',
      help: 'Fail after waiting this long',
      default: 'infinite',
    },
    {
      name: 'conflict-exit-code',
      short: ['E'],
      value: 'N',
      kind: 'exit-code',
      help: 'Exit code when the lock is not free in time',
      default: '75',
    },
    {
      name: 'command',
      short: ['c'],
      value: 'STRING',
      help: 'Run STRING with $SHELL -c, or /bin/sh -c; stands right behind LOCK',
    },
    { name: 'close', short: ['o'], help: 'Do not pass the locked descriptor on to the command' },
    {
      name: 'until-closed',
      help: 'Keep the lock until what COMMAND leaves behind has ended, too, as flock(1) does',
    },
    { name: 'unlock', short: ['u'], help: 'Unlock the descriptor NUMBER, instead of locking it' },
    { name: 'no-fork', short: ['F'], help: 'Accepted as in flock(1); the command is still run as a child' },
    { name: 'for', value: 'DATA_PATH', help: 'Guard this data file, instead of naming a LOCK' },
    {
      name: 'unless-newer',
      value: 'FILE',
      help: 'Do nothing, and exit 0, if FILE was made or renewed while this command waited',
    },
    {
      name: 'lease',
      value: 'DUR',
      kind: 'duration',
      help: 'How long a lease lasts unless renewed',
      default: '30s',
    },
    {
      name: 'permits',
      value: 'N',
      kind: 'count',
      help: 'Let up to N hold it at a time; all contenders must give the same N',
    },
    {
      name: 'stand-by',
      help: 'When the lock is lost, end the command, wait for the lock again and start the command again',
    },
    { name: 'reason', value: 'TEXT', help: 'Shown to waiters' },
    {
      name: 'record-command',
      help: "Put the whole command line into the lock's record, which others can read (default: the name of the program)",
    },
    {
      name: 'grace',
      value: 'DUR',
      kind: 'duration',
      help: 'Time between TERM and KILL when the lock is lost',
      default: '5s',
    },
    {
      name: 'lost-exit-code',
      value: 'N',
      kind: 'exit-code',
      help: 'Exit code when the lock was lost',
      default: '76',
    },
    { name: 'quiet', short: ['q'], help: 'Say nothing about waiting and contention' },
    { name: 'verbose', help: 'Print what happens also without contention' },
    { name: 'version', short: ['V'], help: 'Show the version' },
    { name: 'events', value: 'FILE|FD', help: 'Append what happens as JSON lines to a file or a descriptor' },
  ],
  positionals: [
    { name: 'LOCK', help: 'A path or an address' },
    { name: 'COMMAND', help: 'What to run', isOptional: true, isRepeatable: true, completes: 'command' },
  ],
  examples: [
    { command: 'holdfast run build.lock -- make -j8', help: 'Builds take turns' },
    {
      command: 'holdfast run -w 30s deploy.lock -c "npm ci && npm run deploy"',
      help: 'Give up after 30 seconds',
    },
    { command: 'holdfast run -n cron.lock backup.sh', help: 'Skip this time when the last one still runs' },
    {
      command: 'holdfast run --unless-newer dist/done build.lock -- make dist/done',
      help: 'Only one of the waiting commands runs the build',
    },
    { command: 'holdfast run --permits 2 jobs.lock -- ./job.sh', help: 'At most two of them at a time' },
    {
      command: 'holdfast run --stand-by etcd://db1:2379#scheduler -- node scheduler.js',
      help: 'One of many hosts runs it, and another one takes over',
    },
    { command: 'holdfast run -s --for data.json -- node report.js', help: 'Read while no process writes' },
  ],
};
