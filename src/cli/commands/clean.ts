import { relative } from 'node:path';

import { cleanLockFiles } from '../../locks/clean.js';
import { note, print, printJson } from '../output.js';
import type { ParsedArguments } from '../spec.js';

export async function execute(args: ParsedArguments): Promise<number> {
  const [directory = '.'] = args.positionals;
  const dryRun = args.has('dry-run');
  const { removed, kept } = await cleanLockFiles(directory, { dryRun });
  if (args.has('json')) {
    printJson({ removed, kept, dryRun });
    return 0;
  }
  if (dryRun) for (const path of removed) print(relative(process.cwd(), path));
  for (const { path, why } of kept) note(`holdfast: kept ${relative(process.cwd(), path)}: ${why}`);
  print(
    `${dryRun ? 'would remove' : 'removed'} ${removed.length} lock ${removed.length === 1 ? 'file' : 'files'}`,
  );
  return 0;
}
