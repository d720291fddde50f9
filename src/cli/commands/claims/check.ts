import {
  check,
  checkChange,
  committedFiles,
  pushedFiles,
  type CheckItem,
  type ClaimsOptions,
  type PendingChange,
} from '../../../claims/index.js';
import { isLockError } from '../../../core/errors.js';
import { printJson } from '../../envelope.js';
import { EXIT } from '../../exit-codes.js';
import { withClaimJson } from '../../json.js';
import { note } from '../../output.js';
import { print } from '../../print.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { UsageError } from '../../usage-error.js';
import { COMMON, QUIET_AFTER, IDS, asUsage, claimsOptions } from './options.js';
import { holderText } from './text.js';

export const spec: CommandForm = {
  name: 'claims check',
  summary: 'Ask the remote whether this agent has the claims',
  usage: [
    'claims check [OPTIONS] ID...',
    'claims check --pre-push [OPTIONS]',
    'claims check --pre-commit [OPTIONS]',
  ],
  description: [
    'The exit code is 0 when it has all of them in this clone, 75 when another holder has one, 76 when one is lost, not claimed, or may be claimed yet, 69 when the remote cannot be reached.',
  ],
  options: [
    ...COMMON,
    QUIET_AFTER,
    { name: 'pre-push', help: 'As git hook: check the branches and paths that are about to be pushed' },
    { name: 'pre-commit', help: 'As git hook: check the paths that are about to be committed' },
  ],
  positionals: [{ ...IDS, isOptional: true }],
  examples: [{ command: 'holdfast claims check issue-42 && deploy', help: 'Only while it is ours' }],
};

const EXIT_OF = {
  held: EXIT.ok,
  contended: EXIT.contended,
  lost: EXIT.lost,
  'not-held': EXIT.lost,
  unconfirmed: EXIT.lost,
} as const;

/** A commit does not wait long for a remote, and goes on without it: the push is checked in any case. */
const PRE_COMMIT_TIMEOUT_MS = 10_000;

export async function execute(args: ParsedArguments): Promise<number> {
  const options = await claimsOptions(args);
  const isHook = args.has('pre-push') || args.has('pre-commit');
  if (!isHook && args.positionals.length === 0) throw new UsageError('ID is missing', args.command.name);
  const items = await asUsage(args, async () => {
    if (args.has('pre-push')) return checkChange(await pushed(await readStdin()), options);
    return args.has('pre-commit') ? checkCommit(options) : check(args.positionals, options);
  });
  const exitCode = Math.max(EXIT.ok, ...items.map(({ outcome }) => EXIT_OF[outcome]));
  if (args.has('json')) return printJson(args, { items: items.map(withClaimJson) }, exitCode);
  // What may go on is not commented.
  for (const item of items) if (item.outcome !== 'held' || !isHook) show(item);
  if (isHook && exitCode !== EXIT.ok)
    note(`The way out: ask its holder, or git ${args.has('pre-push') ? 'push' : 'commit'} --no-verify.`);
  return exitCode;
}

async function checkCommit(options: ClaimsOptions): Promise<readonly CheckItem[]> {
  const files = await committedFiles();
  try {
    return await checkChange({ files }, { timeoutMs: PRE_COMMIT_TIMEOUT_MS, ...options });
  } catch (error) {
    const isUnknown =
      isLockError(error) && (error.isUnconfirmed || error.code === 'HOLDFAST_BACKEND_UNAVAILABLE');
    if (!isUnknown) throw error;
    note(`holdfast: claims were not checked: ${error.message}`);
    return [];
  }
}

function show({ id, outcome, claim, cause, files = [] }: CheckItem): void {
  switch (outcome) {
    case 'held':
      return print(`yours: ${id}`);
    case 'contended': {
      const more = files.length > 1 ? ` and ${files.length - 1} more` : '';
      const changed = files.length === 0 ? '' : `; this changes ${files[0] ?? ''}${more}`;
      return note(
        `not yours: ${id} is claimed by ${claim === undefined ? 'others' : holderText(claim)}${changed}`,
      );
    }
    case 'lost':
      return note(
        `lost: ${id} was yours${claim === undefined ? ' and is free now' : `, and is now claimed by ${holderText(claim)}`}`,
      );
    case 'not-held':
      return note(`not claimed: ${id}`);
    case 'unconfirmed':
      return note(`unconfirmed: ${id}: ${cause ?? 'no answer'}`);
  }
}

/** Lines of githooks(5), pre-push: `<local ref> <local oid> <remote ref> <remote oid>`. */
async function pushed(input: string): Promise<PendingChange> {
  const lines = input.split('\n').map((line) => line.split(' '));
  const branches = lines
    .map(([, , ref = '']) => ref)
    .filter((ref) => ref.startsWith('refs/heads/'))
    .map((ref) => ref.slice('refs/heads/'.length));
  const tips = lines.map(([, oid = '']) => oid);
  const known = lines.map(([, , , oid = '']) => oid);
  return { branches, files: await pushedFiles(tips, known) };
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
