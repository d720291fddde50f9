import type { ParsedArguments } from '../spec.js';

/** The commands of the group, loaded one by one. */
const COMMANDS: Readonly<Record<string, () => Promise<{ execute(args: ParsedArguments): Promise<number> }>>> =
  {
    claims: () => import('../claims/list.js'),
    'claims list': () => import('../claims/list.js'),
    'claims steal': () => import('../claims/steal.js'),
    'claims check': () => import('../claims/check.js'),
    'claims history': () => import('../claims/history.js'),
    'claims renew': () => import('../claims/renew.js'),
    'claims repair': () => import('../claims/repair.js'),
    'claims sync': () => import('../claims/sync.js'),
    'claims watch': () => import('../claims/watch.js'),
    'claims hook install': () => import('../claims/hook.js'),
  };

export async function execute(args: ParsedArguments): Promise<number> {
  const load = COMMANDS[args.command.name];
  if (load === undefined) throw new Error(`no code for ${args.command.name}`);
  return (await load()).execute(args);
}
