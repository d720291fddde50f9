import { JSON_OPTION, type CommandSpec, type OptionSpec } from '../spec.js';

const DIR: OptionSpec = {
  name: 'dir',
  value: 'DIR',
  help: 'Install directory',
  default: '{NAME}_DIR, or NAME in ~/.local/share/holdfast',
};
const NO_WAIT: OptionSpec = { name: 'no-wait', help: 'Fail at once when another install is going on' };
const TIMEOUT: OptionSpec = {
  name: 'timeout',
  aliases: ['wait', 'lock-timeout'],
  value: 'DUR',
  kind: 'duration',
  help: 'Fail after waiting this long for another install',
  default: '10m',
};
const RECIPES = {
  name: 'RECIPE',
  help: 'A name that "holdfast setup list" shows, or a recipe file (JSON, TypeScript)',
  isRepeatable: true,
} as const;

export const SETUP: CommandSpec = {
  name: 'setup',
  summary: 'Install a toolchain once, however many ask, and print its exports',
  usage: ['setup [OPTIONS] RECIPE...'],
  description: [
    'Gets, builds and checks each RECIPE unless that is done already, and prints on stdout what a shell needs to use it. One call builds; the others wait and take the result. Everything but the exports goes to stderr, and stdout stays empty when anything fails.',
    'A recipe NAME (llama.cpp: LLAMA_CPP) is installed where {NAME}_DIR says; a finished toolchain of your own, named by {NAME}_DIR or {NAME}_LIBDIR, is used as it is.',
    'Exit codes: 20 network, 64 unknown recipe or shell, 70 a build step failed, 74 disk full, 75 another install is going on, 78 a prerequisite is missing.',
  ],
  options: [
    {
      name: 'emit',
      value: 'SHELL',
      choices: ['sh', 'bash', 'zsh', 'fish', 'pwsh', 'cmd', 'json'],
      help: 'Form of the exports',
      default: 'sh; pwsh on Windows',
    },
    DIR,
    { name: 'ref', value: 'REF', help: "Branch, tag or commit, instead of the recipe's own" },
    { name: 'update', help: 'Build again when the remote has moved' },
    {
      name: 'repair',
      value: 'WHEN',
      choices: ['auto', 'never', 'always'],
      help: 'Build again when the install is damaged, not even then, or in any case',
      default: 'auto',
    },
    NO_WAIT,
    { name: 'offline', help: 'Use no network: what is installed must do' },
    TIMEOUT,
    { name: 'quiet', short: ['q'], help: 'Say nothing about progress and waiting' },
  ],
  positionals: [RECIPES],
  examples: [
    {
      command: 'eval "$(holdfast setup llama.cpp --emit=sh)"',
      help: 'Install if need be, and use it in this shell',
    },
    { command: 'holdfast setup llama.cpp --emit=fish | source', help: 'The same in fish' },
    { command: 'holdfast setup ./toolchain.json --dir ~/opt/tool', help: 'From a recipe of your own' },
  ],
  load: () => import('../commands/setup.js'),
};

export const SETUP_LIST: CommandSpec = {
  name: 'setup list',
  summary: 'List the built-in recipes and what is installed of them',
  usage: ['setup list [OPTIONS]'],
  options: [JSON_OPTION],
  examples: [{ command: 'holdfast setup list', help: 'What there is' }],
  load: () => import('../commands/setup-list.js'),
};

export const SETUP_STATUS: CommandSpec = {
  name: 'setup status',
  summary: 'Show what is installed, whether it is whole, and who installs right now',
  usage: ['setup status [OPTIONS] [RECIPE...]'],
  description: ['Exits 0 when every RECIPE named is installed and whole, else 69. Takes no lock.'],
  options: [DIR, JSON_OPTION],
  positionals: [{ ...RECIPES, isOptional: true }],
  examples: [{ command: 'holdfast setup status llama.cpp', help: 'One toolchain' }],
  load: () => import('../commands/setup-status.js'),
};

export const SETUP_PATH: CommandSpec = {
  name: 'setup path',
  summary: "Print the current version's own directory",
  usage: ['setup path [OPTIONS] RECIPE'],
  description: ['Exits 69 when it is not installed. The directory stays when another version is installed.'],
  options: [DIR, { name: 'libdir', help: 'Print the directory of its libraries instead' }],
  positionals: [{ ...RECIPES, isRepeatable: false }],
  examples: [{ command: 'ls "$(holdfast setup path llama.cpp)"', help: 'Look into it' }],
  load: () => import('../commands/setup-path.js'),
};

export const SETUP_REMOVE: CommandSpec = {
  name: 'setup remove',
  summary: 'Remove every version of a toolchain',
  usage: ['setup remove [OPTIONS] RECIPE...'],
  description: [
    'Waits for an install that is going on. Leaves the lock file, and every directory that is not ours.',
  ],
  options: [DIR, NO_WAIT, TIMEOUT],
  positionals: [RECIPES],
  examples: [{ command: 'holdfast setup remove llama.cpp', help: 'Free the space' }],
  load: () => import('../commands/setup-remove.js'),
};
