import { describe, expect, it } from 'vitest';

import { spec as CLEAN } from '../../src/cli/commands/clean.js';
import { spec as RUN } from '../../src/cli/commands/run.js';
import { parseCommand } from '../../src/cli/parse.js';
import { COMMANDS, loadForms } from '../../src/cli/table.js';
import { suggestion } from '../../src/cli/usage-error.js';

describe('options of run', () => {
  it('may be grouped and glued as in flock(1)', () => {
    const args = parseCommand(RUN, ['-snE9', '-w2', 'x', 'true']);
    expect([args.has('shared'), args.has('nonblock')]).toEqual([true, true]);
    expect([args.number('conflict-exit-code'), args.durationMs('wait')]).toEqual([9, 2_000]);
    expect(args.rest).toEqual(['x', 'true']);
  });

  it('end at LOCK: what follows is the command, dashes and all', () => {
    expect(parseCommand(RUN, ['-n', 'x', 'ls', '-la', '--', '-n', '--help']).rest).toEqual([
      'x',
      'ls',
      '-la',
      '--',
      '-n',
      '--help',
    ]);
    expect(parseCommand(RUN, ['--', '-n', 'true']).rest).toEqual(['-n', 'true']);
  });

  it.each([
    [['--timeout', '2'], '--timeout'],
    [['--timeout=2'], '--timeout'],
    [['--lock-timeout', '2'], '--lock-timeout'],
    [['--wait', '2'], '--wait'],
    [['-w', '2'], '-w'],
    [['-w2'], '-w'],
  ])('know how %j was spelled', (words, spelling) => {
    const args = parseCommand(RUN, [...words, 'x', 'true']);
    expect([args.durationMs('wait'), args.spelling('wait')]).toEqual([2_000, spelling]);
  });

  it('given twice, the last one counts', () => {
    expect(parseCommand(RUN, ['-w1', '--timeout', '2', 'x']).durationMs('wait')).toBe(2_000);
  });
});

describe('a wrong command line', () => {
  it.each([
    [['--shraed', 'x'], 'Unknown option "--shraed" (did you mean "--shared"?)'],
    [['-Z', 'x'], 'Unknown option "-Z"'],
    [['-w'], '-w needs a value: -w DUR'],
    [
      ['--wait', 'soon', 'x'],
      '--wait is a duration such as 1500ms, 5s, 2.5 (seconds), 10m, 2h or infinite, not "soon"',
    ],
    [['-E256', 'x'], '-E is an exit code from 0 to 255, not "256"'],
    [['--shared=yes', 'x'], '--shared takes no value, but got "yes"'],
    [['-w-1', 'x'], '-w is a duration such as 1500ms, 5s, 2.5 (seconds), 10m, 2h or infinite, not "-1"'],
  ])('%j is told: %s', (words, message) => {
    expect(() => parseCommand(RUN, words)).toThrow(message);
  });

  it('with too many words names the first', () => {
    expect(() => parseCommand(CLEAN, ['a', 'b', 'c'])).toThrow('Unexpected argument "b"');
  });

  it('suggests only what is near', () => {
    expect(suggestion('claen', ['clean', 'claims'])).toBe(' (did you mean "clean"?)');
    expect(suggestion('frobnicate', ['clean', 'claims'])).toBe('');
  });
});

describe('the table', () => {
  it('has no option and no spelling twice in one command', async () => {
    for (const { name, options } of await loadForms()) {
      const all = options.flatMap((o) => [o.name, ...(o.aliases ?? []), ...(o.short ?? [])]);
      expect(new Set(all).size, name).toBe(all.length);
      expect(all, `${name} leaves -h to help`).not.toContain('h');
    }
  });

  it('has one-line summaries, usages that begin with the name, and examples', async () => {
    for (const { name, summary, usage, examples } of await loadForms()) {
      expect(summary, name).not.toMatch(/\.$|\n/);
      for (const line of usage) expect(line.split(' ')[0], line).toBe(name.split(' ')[0]);
      expect(examples.length, name).toBeGreaterThan(0);
    }
  });

  it('leads to the form and the code of every command', async () => {
    for (const { name, load } of COMMANDS) {
      const { spec, execute } = await load();
      expect(typeof execute, name).toBe('function');
      expect([name, `${name} list`]).toContain(spec.name);
    }
  });
});
