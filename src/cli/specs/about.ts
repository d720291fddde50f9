import { JSON_OPTION, type CommandSpec } from '../spec.js';

export const DOCTOR: CommandSpec = {
  name: 'doctor',
  summary: 'Tell what works here, and which backend a path gets',
  usage: ['doctor [OPTIONS] [DIR]'],
  options: [JSON_OPTION],
  positionals: [
    { name: 'DIR', help: 'Default: the current directory', isOptional: true, completes: 'directory' },
  ],
  examples: [{ command: 'holdfast doctor /mnt/share', help: 'Before putting locks there' }],
  load: () => import('../commands/doctor.js'),
};

export const COMPLETION: CommandSpec = {
  name: 'completion',
  summary: 'Print a completion script for a shell',
  usage: ['completion SHELL'],
  options: [],
  positionals: [
    { name: 'SHELL', help: 'bash, zsh or fish', choices: ['bash', 'zsh', 'fish'], completes: 'none' },
  ],
  examples: [
    { command: 'source <(holdfast completion bash)', help: 'In ~/.bashrc' },
    { command: 'holdfast completion fish | source', help: 'In config.fish' },
  ],
  load: () => import('../commands/completion.js'),
};

export const HELP: CommandSpec = {
  name: 'help',
  summary: 'Show help, for one command or for all',
  usage: ['help [COMMAND]'],
  options: [],
  positionals: [
    {
      name: 'COMMAND',
      help: 'Default: an overview',
      isOptional: true,
      isRepeatable: true,
      completes: 'none',
    },
  ],
  examples: [{ command: 'holdfast help run', help: 'All about run' }],
  load: () => import('../commands/help.js'),
};

export const VERSION: CommandSpec = {
  name: 'version',
  summary: 'Print the version',
  usage: ['version [OPTIONS]'],
  options: [JSON_OPTION],
  examples: [{ command: 'holdfast version', help: 'The same as holdfast --version' }],
  load: () => import('../commands/version.js'),
};

export const BUILD_ADDON: CommandSpec = {
  name: 'build-addon',
  summary: 'Build the native addon for this machine',
  usage: ['build-addon'],
  description: [
    'The package brings the addon for Linux (x64, arm64), Windows (x64) and macOS. Elsewhere, or when "holdfast doctor" says that it does not load, this builds it from the C sources in the package. It needs a C compiler (cc, gcc or clang) and the right to write into the package folder.',
  ],
  options: [],
  examples: [{ command: 'holdfast build-addon && holdfast doctor', help: 'Once after the installation' }],
  load: () => import('../commands/build-addon.js'),
};
