import { JSON_OPTION, type CommandSpec, type OptionSpec, type PositionalSpec } from '../spec.js';

const AGENT: OptionSpec = {
  name: 'agent',
  value: 'NAME',
  help: 'Who claims',
  default: "HOLDFAST_AGENT, else git's user name and the host",
};
const REMOTE: OptionSpec = {
  name: 'remote',
  value: 'REMOTE',
  help: 'The git remote that decides: a name, URL or path',
  default: "HOLDFAST_REMOTE, else git's holdfast.remote, else origin",
};
const TIMEOUT: OptionSpec = {
  name: 'timeout',
  value: 'DUR',
  kind: 'duration',
  help: 'Time for everything, the network included',
  default: '30s',
};
const STALE_AFTER: OptionSpec = {
  name: 'stale-after',
  value: 'DUR',
  kind: 'duration',
  help: 'Without a sign of life for this long, a claim counts as stale',
  default: '1h',
};
const BRANCH: OptionSpec = {
  name: 'branch',
  value: 'BRANCH',
  help: 'Where the work happens; the pre-push hook guards it',
};
const REASON: OptionSpec = { name: 'reason', value: 'TEXT', help: 'Shown to others' };
const COMMON = [AGENT, REMOTE, STALE_AFTER, TIMEOUT, JSON_OPTION];

const IDS: PositionalSpec = {
  name: 'ID',
  help: 'Letters, digits, ".", "_" and "-", at most 100',
  isRepeatable: true,
  completes: 'none',
};
const ID: PositionalSpec = { name: 'ID', help: IDS.help, completes: 'none' };

export const CLAIM: CommandSpec = {
  name: 'claim',
  summary: 'Claim work items at a git remote, all or none',
  usage: ['claim [OPTIONS] ID...'],
  description: [
    'The exit code is 0 when this agent has all of them, as the remote said just now; 75 when somebody else has one, who is named; 76 when the remote could not be asked or an earlier claim was lost; 77 when it refuses.',
    'A claim does not end by itself. Others can steal it once they have seen no sign of life for the time of --stale-after; holdfast claims renew gives one.',
  ],
  options: [
    ...COMMON,
    BRANCH,
    REASON,
    { name: 'base', value: 'REV', help: 'Refuse when the last holder left it at a revision that REV lacks' },
  ],
  positionals: [IDS],
  examples: [
    { command: 'holdfast claim issue-42 --reason "fixing the parser"', help: 'One item' },
    { command: 'holdfast claim a b c --branch rewrite', help: 'All three, or none' },
  ],
  load: () => import('../commands/claim.js'),
};

export const UNCLAIM: CommandSpec = {
  name: 'unclaim',
  summary: 'Release work items that this agent has claimed in this clone',
  usage: ['unclaim [OPTIONS] ID...', 'unclaim --force --reason TEXT ID...'],
  description: [
    'What was stolen meanwhile stays with the thief: then the exit code is 76. With --force a claim is ended whoever has it, and its history says who did that and why.',
  ],
  options: [
    ...COMMON,
    { name: 'force', help: 'End it whoever has it; needs --reason' },
    REASON,
    { name: 'base', value: 'REV', help: 'The revision at which it is left' },
  ],
  positionals: [IDS],
  examples: [{ command: 'holdfast unclaim issue-42', help: 'Done with it' }],
  load: () => import('../commands/unclaim.js'),
};

const load = (): ReturnType<CommandSpec['load']> => import('../commands/claims.js');

const LIST: Omit<CommandSpec, 'name'> = {
  summary: 'List who works on what',
  usage: ['claims [list] [OPTIONS]'],
  description: [
    'As the remote says itself, just now; never from memory. Exit code 76 when it cannot be asked.',
  ],
  options: [...COMMON, { name: 'mine', help: 'Only those of this agent' }],
  examples: [
    { command: 'holdfast claims --mine', help: 'What is still mine' },
    { command: 'holdfast claims --json', help: 'For programs' },
  ],
  load,
};

export const CLAIMS: readonly CommandSpec[] = [
  { ...LIST, name: 'claims' },
  { ...LIST, name: 'claims list' },
  {
    name: 'claims steal',
    summary: 'Take a stale claim from its holder',
    usage: ['claims steal [OPTIONS] ID', 'claims steal --force --reason TEXT ID'],
    description: [
      'Stale is what this clone has seen unchanged for the longer of --stale-after and what its holder asked for. A fresh clone has seen nothing yet.',
    ],
    options: [
      ...COMMON,
      { name: 'force', help: 'Also when it is not stale; needs --reason' },
      REASON,
      BRANCH,
    ],
    positionals: [ID],
    examples: [{ command: 'holdfast claims steal issue-42', help: 'Its agent has been silent' }],
    load,
  },
  {
    name: 'claims check',
    summary: 'Ask the remote whether this agent has the claims',
    usage: ['claims check [OPTIONS] ID...', 'claims check --pre-push [OPTIONS]'],
    description: [
      'The exit code is 0 when it has all of them, 75 when somebody else has one, 76 when one is lost, not claimed, or the remote cannot be asked.',
    ],
    options: [
      ...COMMON,
      { name: 'pre-push', help: 'As git hook: check the branches that are about to be pushed' },
    ],
    positionals: [{ ...IDS, isOptional: true }],
    examples: [{ command: 'holdfast claims check issue-42 && deploy', help: 'Only while it is ours' }],
    load,
  },
  {
    name: 'claims history',
    summary: 'Show what happened to a claim, the latest first',
    usage: ['claims history [OPTIONS] ID'],
    options: [
      ...COMMON,
      { name: 'limit', value: 'N', kind: 'count', help: 'How many events', default: '50' },
    ],
    positionals: [ID],
    examples: [{ command: 'holdfast claims history issue-42', help: 'Who had it, and who took it' }],
    load,
  },
  {
    name: 'claims renew',
    summary: 'Show others that this agent is still at work',
    usage: ['claims renew [OPTIONS] [ID...]'],
    options: COMMON,
    positionals: [{ ...IDS, isOptional: true }],
    examples: [
      { command: 'holdfast claims renew', help: 'All claims of this agent in this clone, in one push' },
    ],
    load,
  },
  {
    name: 'claims repair',
    summary: 'Find claims that nobody alive holds and records that are broken',
    usage: ['claims repair [OPTIONS]'],
    options: [...COMMON, { name: 'repair', help: 'End them, each with an event that says so' }],
    examples: [{ command: 'holdfast claims repair --repair', help: 'Clean up' }],
    load,
  },
  {
    name: 'claims sync',
    summary: 'Look at all claims and settle what was left unconfirmed',
    usage: ['claims sync [OPTIONS]'],
    options: COMMON,
    examples: [
      { command: 'holdfast claims sync', help: 'From cron: looking is what makes staleness visible' },
    ],
    load,
  },
  {
    name: 'claims watch',
    summary: 'Print changes of claims as they happen',
    usage: ['claims watch [OPTIONS]'],
    options: [
      ...COMMON,
      { name: 'interval', value: 'DUR', kind: 'duration', help: 'How often to look', default: '10s' },
    ],
    examples: [{ command: 'holdfast claims watch --json', help: 'One JSON object per line' }],
    load,
  },
  {
    name: 'claims hook install',
    summary: 'Install a pre-push hook that checks claims',
    usage: ['claims hook install'],
    description: [
      'It refuses a push of a branch that somebody else has a claim on (claim --branch), and fails closed: nothing is pushed while claims cannot be checked.',
    ],
    options: [JSON_OPTION],
    examples: [{ command: 'holdfast claims hook install', help: 'In this clone' }],
    load,
  },
];
