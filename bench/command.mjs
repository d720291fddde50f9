// The command: what `holdfast run` adds to the program that it runs.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { median } from './harness.mjs';

const command = fileURLToPath(new URL('../dist/bin/holdfast.cjs', import.meta.url));

function timed(program, args) {
  return () => {
    const samples = Array.from({ length: 7 }, () => {
      const at = process.hrtime.bigint();
      const { status } = spawnSync(program, args, { stdio: 'ignore' });
      if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}.`);
      return Number(process.hrtime.bigint() - at) / 1e6;
    });
    return median(samples);
  };
}

const run = {
  id: 'run',
  fileSystems: ['tmpfs'],
  rounds: 11,
  isInSmoke: true,
  measures: [
    {
      id: 'time',
      title: 'holdfast run x -- true',
      unit: 'ms',
      subject: 'holdfast run',
      target: { to: 'node -e 0', ratioAtMost: 1.15 },
    },
  ],
  contestants: async ({ directory }) => ({
    'holdfast run': timed(process.execPath, [command, 'run', join(directory, 'x'), '--', 'true']),
    'node -e 0': timed(process.execPath, ['-e', '0']),
    'flock(1)': timed('flock', [join(directory, 'y'), 'true']),
  }),
};

export const suite = { title: 'The command', experiments: [run] };
