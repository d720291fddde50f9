import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startScript } from '../support/holdfast.js';
import { eventually, isGone } from '../support/processes.js';

/**
 * Writes who holds, and when, every 20 ms: the command itself (deaf to TERM), a child, and a grandchild that has left by
 * a double fork into a session of its own. A line is `HOLDER MICROSECONDS`.
 */
const WORK = `
  exec 9<> <(:)
  tick() { while :; do echo "$HOLDFAST_HOLDER \${EPOCHREALTIME/./}" >> "$LOG"; read -rt 0.02 -u 9; done; }
  trap '' TERM
  echo "in $HOLDFAST_HOLDER \${HOLDFAST_ANCESTORS##*,} $$" >> "$LOG"
  export -f tick
  tick & (setsid bash -c 'exec 9<> <(:); tick' &) ; tick`;

export interface Holder {
  readonly holder: string;
  readonly pid: number;
  /** Of the command. */
  readonly command: number;
}

export interface Contenders {
  /** The wrapper that holds now, and whose command works. */
  wrapper(seenBefore: ReadonlySet<string>): Promise<Holder>;
  /** Every pair that worked at the same time. */
  overlaps(): readonly string[];
}

/** Several loops of \`holdfast run FLAGS ADDRESS\`, whose commands record themselves when they work. */
export function startContenders(directory: string, words: readonly string[], count: number): Contenders {
  const log = join(directory, 'log');
  writeFileSync(log, '');
  writeFileSync(join(directory, 'work'), WORK);
  const run = words.map((word) => `'${word}'`).join(' ');
  for (let index = 0; index < count; index++) {
    startScript(directory, `while :; do $H run -q ${run} -- bash work; done`, {
      env: { LOG: log },
      stdio: 'ignore',
    });
  }
  const lines = (): string[] => readFileSync(log, 'utf8').split('\n').slice(0, -1);
  return {
    wrapper: (seenBefore) =>
      eventually(
        'another command works',
        () => {
          for (const line of lines()) {
            const [, holder = '', pid = '', command = ''] = /^in (\S+) (\d+) (\d+)$/.exec(line) ?? [];
            if (holder !== '' && !seenBefore.has(holder) && !isGone(Number(pid)))
              return { holder, pid: Number(pid), command: Number(command) };
          }
          return undefined;
        },
        60_000,
      ),
    overlaps: () => overlapsOf(lines()),
  };
}

function overlapsOf(lines: readonly string[]): string[] {
  const spans = new Map<string, { from: number; to: number }>();
  for (const line of lines) {
    const [, holder = '', at = ''] = /^(\S+) (\d{16})$/.exec(line) ?? [];
    if (holder === '') continue;
    const span = spans.get(holder);
    if (span === undefined) spans.set(holder, { from: Number(at), to: Number(at) });
    else spans.set(holder, { from: Math.min(span.from, Number(at)), to: Math.max(span.to, Number(at)) });
  }
  const sorted = [...spans].sort(([, a], [, b]) => a.from - b.from);
  return sorted.flatMap(([holder, span], index) =>
    sorted
      .slice(index + 1)
      .filter(([, later]) => later.from < span.to)
      .map(([other, later]) => `${holder} until ${span.to}, ${other} from ${later.from}`),
  );
}

/** The supervisor between a wrapper and its command. */
export function supervisorOf(wrapper: number): number | undefined {
  const children = readFileSync(`/proc/${wrapper}/task/${wrapper}/children`, 'latin1').trim().split(' ');
  return children.map(Number).find((pid) => {
    const comm = `/proc/${pid}/comm`;
    return pid > 0 && existsSync(comm) && readFileSync(comm, 'latin1') === 'holdfast-run\n';
  });
}
