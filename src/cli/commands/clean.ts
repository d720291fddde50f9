import { cleanLockFiles } from '../../locks/manage.js';
import { printJson } from '../envelope.js';
import { note } from '../output.js';
import { asTypedHere } from '../render/path.js';
import { print } from '../print.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../spec.js';

export const spec: CommandForm = {
  name: 'clean',
  summary: 'Remove our lock files that are not held',
  usage: ['clean [OPTIONS] [DIR]'],
  description: [
    'Looks at the files in DIR and in DIR/.holdfast/locks. Removes those that carry our record and are not held; yarn.lock and Cargo.lock, and whatever else others wrote, stay. A .holdfast without locks goes too.',
    'Programs that do not check the inode after locking (flock(1) does not) may lock a removed file: clean while they rest.',
  ],
  options: [{ name: 'dry-run', help: 'Only say what would be removed' }, JSON_OPTION],
  positionals: [
    { name: 'DIR', help: 'Default: the current directory', isOptional: true, completes: 'directory' },
  ],
  examples: [{ command: 'holdfast clean --dry-run /srv/jobs', help: 'Look first' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const [directory = '.'] = args.positionals;
  const dryRun = args.has('dry-run');
  const { removed, kept } = await cleanLockFiles(directory, { dryRun });
  if (args.has('json')) {
    return printJson(args, { removed, kept, dryRun });
  }
  if (dryRun) for (const path of removed) print(asTypedHere(path));
  for (const { path, why } of kept) note(`holdfast: kept ${asTypedHere(path)}: ${why}`);
  print(
    `${dryRun ? 'would remove' : 'removed'} ${removed.length} lock ${removed.length === 1 ? 'file' : 'files'}`,
  );
  return 0;
}
