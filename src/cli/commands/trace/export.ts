import { extname } from 'node:path';

import { readTrace } from '../../../observe/trace-reader.js';
import { summarize } from '../../../observe/trace-summary.js';
import { writeFileDurable } from '../../../durable/index.js';
import type { CommandForm, ParsedArguments } from '../../spec.js';
import { UsageError } from '../../usage-error.js';
import { pageHtml } from '../../view/page.js';
import { perfettoJson } from '../../view/perfetto.js';
import { traceDirectory, TRACE_DIRECTORY } from './directory.js';

export const spec: CommandForm = {
  name: 'trace export',
  summary: 'Write a recorded trace as a page, or for Perfetto',
  usage: ['trace export FILE.html|FILE.json [DIR]'],
  description: [
    'FILE.html is one page with everything in it: a lane for each process, zoom, who waits for whom at any moment, tables. FILE.json is opened by ui.perfetto.dev and chrome://tracing.',
  ],
  options: [],
  positionals: [{ name: 'FILE', help: 'Ends in .html or .json; an old one is replaced' }, TRACE_DIRECTORY],
  examples: [{ command: 'holdfast trace export storm.html /tmp/trace', help: 'A picture of the contention' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const [file = ''] = args.positionals;
  const kind = extname(file);
  if (kind !== '.html' && kind !== '.json')
    throw new UsageError(`"${file}" ends neither in .html nor in .json`, 'trace export');
  const directory = traceDirectory(args, 1);
  const trace = readTrace(directory);
  const text =
    kind === '.json'
      ? perfettoJson(trace)
      : pageHtml({ title: `Waits and holds in ${directory}`, trace, summary: summarize(trace) });
  await writeFileDurable(file, text);
  return 0;
}
