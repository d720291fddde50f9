import { printPayload } from '../output.js';
import { completionScript } from '../render/completion.js';
import type { CommandForm, ParsedArguments } from '../spec.js';
import { readForms } from '../forms.js';

export const spec: CommandForm = {
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
};

export function execute({ positionals }: ParsedArguments): number {
  printPayload(completionScript(positionals[0] as 'bash' | 'zsh' | 'fish', readForms()));
  return 0;
}
