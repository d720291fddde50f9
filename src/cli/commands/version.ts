import { readFileSync } from 'node:fs';

import { printJson } from '../envelope.js';
import { print } from '../print.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../spec.js';

export const spec: CommandForm = {
  name: 'version',
  summary: 'Print the version',
  usage: ['version [OPTIONS]'],
  options: [JSON_OPTION],
  examples: [{ command: 'holdfast version', help: 'The same as holdfast --version' }],
};

export function packageVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

export function execute(args: ParsedArguments): number {
  const version = packageVersion();
  if (args.has('json')) return printJson(args, { version, node: process.versions.node });
  print(version);
  return 0;
}
