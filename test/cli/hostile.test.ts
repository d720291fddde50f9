import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { holdfast, startHolder } from '../support/holdfast.js';
import { Commands, expectHarmless, hostileVariants, NASTY, withNastyTexts } from '../support/hostile.js';
import { start } from '../support/processes.js';

/** Every command that looks at a lock. */
function looks(lock: string): string[][] {
  return [
    ['show', lock],
    ['show', '--json', lock],
    ['why', lock],
    ['why', '--json', lock],
    ['test', lock],
    ['wait', '-w', '1ms', lock],
    ['break', '--force', '--holder', 'abcdefghijklmnopqrstuvwxyz', lock],
    ['ls', lock],
    ['ls', '--json'],
    ['clean', '--dry-run'],
    ['clean', '--dry-run', '--json'],
  ];
}

/** The holder's own commands tell nothing of others; these do, and wait. */
const waiters = (lock: string): string[][] => [
  ['run', '-n', lock, 'true'],
  ['run', '-w', '150ms', lock, 'true'],
];

describe('hostile records', { timeout: 240_000 }, () => {
  it('of a kernel lock', async () => {
    const directory = testDirectory();
    const holder = await startHolder(directory, ['x']);
    const file = join(directory, 'x');
    const [head = '', json = ''] = readFileSync(file, 'utf8').split('\n');
    const record = JSON.parse(json) as object;
    const commands = new Commands(directory);
    for (const variant of [...hostileVariants(record), withNastyTexts(record) as object]) {
      writeFileSync(file, `${head}\n${JSON.stringify(variant)}\n`);
      for (const words of looks('x')) await commands.harmless(...words);
    }
    for (const text of [
      `${head}\n${NASTY}\n`,
      `${head}${NASTY}`,
      `${NASTY}\n${json}`,
      `${head}\nnull\n`,
      `${head}\n[]\n`,
    ]) {
      writeFileSync(file, text);
      for (const words of looks('x')) await commands.harmless(...words);
    }
    for (const variant of [
      { ...record, reason: NASTY, command: NASTY },
      { ...record, command: { toString: 1 } },
    ]) {
      writeFileSync(file, `${head}\n${JSON.stringify(variant)}\n`);
      for (const words of waiters('x')) expectHarmless(words, await holdfast(directory, words));
    }
    await holder.end();
  });

  it('of a lease', async () => {
    const directory = testDirectory();
    const holder = await startHolder(directory, ['--lease', '10m', 'lease:x']);
    const place = join(directory, 'x');
    const name = readdirSync(place).find((entry) => /^i\..*\.json$/.test(entry)) as string;
    const file = join(place, name);
    const record = JSON.parse(readFileSync(file, 'utf8')) as object;
    const commands = new Commands(directory);
    for (const variant of [...hostileVariants(record), withNastyTexts(record) as object]) {
      writeFileSync(file, JSON.stringify(variant));
      for (const words of looks('lease:x')) await commands.harmless(...words);
    }
    for (const text of [NASTY, 'null', '[]', '']) {
      writeFileSync(file, text);
      for (const words of looks('lease:x')) await commands.harmless(...words);
    }
    writeFileSync(file, JSON.stringify({ ...record, reason: NASTY, command: NASTY }));
    for (const words of waiters('lease:x')) expectHarmless(words, await holdfast(directory, words));
    writeFileSync(file, JSON.stringify(record));
    await holder.end();
  });
});

describe('hostile names', () => {
  const name = NASTY.replaceAll('/', '');

  it('of files and directories', async () => {
    const directory = testDirectory();
    mkdirSync(join(directory, `d${name}`));
    expect((await holdfast(directory, ['run', name, 'true'])).code).toBe(0);
    const holder = await startHolder(directory, [join(`d${name}`, name)]);
    const commands = new Commands(directory);
    for (const lock of [name, join(`d${name}`, name), `lease:${name}`, `flock:${name}`, `missing/${name}`]) {
      for (const words of looks(lock)) await commands.harmless(...words);
      for (const words of waiters(lock)) expectHarmless(words, await holdfast(directory, words));
    }
    for (const words of [
      ['ls', `d${name}`],
      ['clean', `d${name}`],
      ['doctor', `d${name}`],
      ['doctor', name],
      ['verify', name],
    ]) {
      await commands.harmless(...words);
      await commands.harmless(...words, '--json');
    }
    await holder.end();
  });

  it('of commands, options, addresses and recipes', async () => {
    const commands = new Commands(testDirectory());
    const lines = [
      [NASTY],
      ['claims', NASTY],
      ['help', NASTY],
      ['ls', `--${NASTY}`],
      ['show', `redis://u:p@127.0.0.1:1/${NASTY}#x`],
      ['show', `nope://${NASTY}`],
      ['completion', NASTY],
      ['setup', NASTY],
      ['setup', 'llama.cpp', '--emit', NASTY],
      ['setup', 'status', NASTY],
      ['cache', 'get', NASTY],
      ['cache', 'get', NASTY, '--url', NASTY],
      ['cache', 'status', NASTY],
      ['claim', NASTY],
      ['claim', 'x', '--agent', NASTY],
      ['claims', '--remote', NASTY],
      ['wait', '-w', NASTY, 'x'],
      ['verify', NASTY],
      ['doctor', NASTY],
    ];
    for (const words of lines) {
      await commands.harmless(...words);
      await commands.harmless(...words, '--json');
    }
  });

  it('of programs', async () => {
    const directory = testDirectory();
    const script = 'exec 9>y; flock 9; echo held; exec -a "$1" sleep 60';
    const child = start('bash', ['-c', script, 'bash', NASTY], { cwd: directory, stdio: 'pipe' });
    await child.line(/^held$/);
    const commands = new Commands(directory);
    for (const words of looks('y')) await commands.harmless(...words);
    for (const words of waiters('y')) expectHarmless(words, await holdfast(directory, words));
  });
});
