import { readFileSync } from 'node:fs';

import { print, printJson } from '../output.js';
import type { ParsedArguments } from '../spec.js';

export function packageVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

export function execute(args: ParsedArguments): number {
  const version = packageVersion();
  if (args.has('json')) printJson({ version, node: process.versions.node });
  else print(version);
  return 0;
}
