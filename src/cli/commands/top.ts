import { printJson } from '../envelope.js';
import { note } from '../output.js';
import { print } from '../print.js';
import { isFullScreenPossible, tableWidth } from '../terminal.js';
import type { RankedLock, Survey } from '../../observe/seen.js';
import { hostname } from '../../platform/identity.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../spec.js';
import { UsageError } from '../usage-error.js';
import { surveyJson, totalsOf } from '../view/survey-json.js';
import { surveyOnce } from './top/places.js';
import { summaryText, topTable } from '../view/top-table.js';

export const spec: CommandForm = {
  name: 'top',
  summary: 'Watch who waits for whom on this machine, the longest wait first',
  usage: ['top [OPTIONS] [DIR|ADDRESS...]'],
  description: [
    'Shows every lock that is held or waited for on this machine: kernel locks, those of other programs too, leases and holds at servers that processes of this user have, and the claims of the repository that you stand in. Locks that cause the most waiting come first. What is named besides is looked at too.',
    'Enter opens the tree of who waits for whom, / filters, s sorts, b shows the command that would end the hold, c shows command lines, q quits.',
    'Without a terminal it prints one look, as with --once.',
  ],
  options: [
    { name: 'once', help: 'Print one look and exit' },
    { name: 'interval', value: 'DUR', kind: 'duration', help: 'Between two looks', default: '1s' },
    { name: 'export', value: 'FILE.html', help: 'Write one look as a page of its own, and exit' },
    JSON_OPTION,
  ],
  positionals: [
    {
      name: 'DIR|ADDRESS',
      help: 'What to look at besides this machine',
      isOptional: true,
      isRepeatable: true,
    },
  ],
  examples: [
    { command: 'holdfast top', help: 'Everything on this machine' },
    { command: 'holdfast top redis://127.0.0.1:6379', help: 'The locks of a server too' },
    { command: 'holdfast top --once --json', help: 'For programs' },
  ],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const file = args.text('export');
  if (args.has('json') && !args.has('once') && file === undefined)
    throw new UsageError('--json goes with --once', 'top');
  if (args.has('once') || args.has('json') || file !== undefined || !isFullScreenPossible())
    return showOnce(args);
  const { showLive } = await import('./top/live.js');
  return showLive(args);
}

async function showOnce(args: ParsedArguments): Promise<number> {
  const { survey, describe } = await surveyOnce(args);
  const locks = survey.locks.map(describe);
  const totals = totalsOf(survey);
  const file = args.text('export');
  if (file !== undefined) {
    await exportPage(file, survey, locks);
    return 0;
  }
  if (args.has('json')) return printJson(args, surveyJson(survey, locks, totals));
  for (const problem of survey.problems) note(`holdfast: ${problem}`);
  print(summaryText(totals), ...topTable(locks, survey, tableWidth()));
  return 0;
}

async function exportPage(file: string, survey: Survey, locks: readonly RankedLock[]): Promise<void> {
  const [{ pageHtml }, { traceOfSurvey }, { summarize }, { writeFileDurable }] = await Promise.all([
    import('../view/page.js'),
    import('../view/survey-trace.js'),
    import('../../observe/trace-summary.js'),
    import('../../durable/index.js'),
  ]);
  const trace = traceOfSurvey(survey, locks);
  const summary = summarize(trace);
  const title = `Locks of ${hostname()}, as they are`;
  await writeFileDurable(file, pageHtml({ title, trace, summary, momentMs: survey.atMs }));
}
