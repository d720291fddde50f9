import { doctor } from '../../../claims/index.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { print } from '../../print.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { COMMON, asUsage, claimsOptions } from './options.js';

export const spec: CommandForm = {
  name: 'claims doctor',
  summary: 'Find out whether claims can work with a remote, and what is in the way',
  usage: ['claims doctor [OPTIONS] [REMOTE]'],
  description: [
    "Shows the URLs decided on, compares what git reads there with your settings and with those of claims, what is pushed and fetched, and looks for branches in the way, hidden refs, hooks, the agent's name and signing. Changes nothing at the remote. The exit code is 78 when something must be mended.",
  ],
  options: COMMON,
  positionals: [{ name: 'REMOTE', help: 'A name, URL or path', isOptional: true, completes: 'none' }],
  examples: [{ command: 'holdfast claims doctor upstream', help: 'Before the team relies on it' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const [remote] = args.positionals;
  const options = { ...(await claimsOptions(args)), ...(remote !== undefined && { remote }) };
  const items = await asUsage(args, () => doctor(options));
  const exitCode = items.some(({ status }) => status === 'fault') ? EXIT.config : EXIT.ok;
  if (args.has('json')) return printJson(args, { items }, exitCode);
  for (const { check, status, fact, remedy } of items)
    print(`${status}: ${check}: ${fact}${remedy === undefined ? '' : `. ${remedy}.`}`);
  return exitCode;
}
