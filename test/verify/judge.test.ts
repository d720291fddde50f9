import { describe, expect, test } from 'vitest';

import { finding, type CheckId, type Outcome } from '../../src/verify/finding.js';
import { judge, type Evidence, type JudgedBackend, type Verdict } from '../../src/verify/judge.js';
import { knownFlaws } from '../../src/verify/known.js';
import { formatLocation, parseLocation, quoteForShell } from '../../src/verify/location.js';

const ALL: readonly CheckId[] = [
  'exclusive create',
  'link',
  'rename',
  'birth',
  'rename over',
  'visibility',
  'time stamps',
  'flock',
  'flock freed',
  'flock shared',
  'lease',
  'lease takeover',
];

/** Everything holds, but for `changes`. */
function evidence(changes: Partial<Record<CheckId, Outcome>>, rest: Partial<Evidence> = {}): Evidence {
  return {
    findings: ALL.map((check) => finding(check, changes[check] ?? 'holds', `${check} ${changes[check]}`)),
    flaws: [],
    fileSystem: { kind: 'local', name: 'ext4' },
    view: 'one mount',
    ...rest,
  };
}

describe('a verdict', () => {
  test.each<[JudgedBackend, Partial<Record<CheckId, Outcome>>, Verdict]>([
    ['flock', {}, 'safe'],
    ['lease', {}, 'safe'],
    ['flock', { flock: 'broken' }, 'unsafe'],
    ['flock', { flock: 'refused' }, 'unsafe'],
    ['flock', { flock: 'unknown' }, 'unknown'],
    ['flock', { 'flock freed': 'unknown' }, 'unknown'],
    ['flock', { 'flock shared': 'refused' }, 'safe'],
    ['flock', { 'flock shared': 'broken' }, 'unsafe'],
    ['flock', { rename: 'broken', lease: 'broken', 'exclusive create': 'broken' }, 'safe'],
    ['lease', { rename: 'broken' }, 'unsafe'],
    ['lease', { birth: 'refused' }, 'unsafe'],
    ['lease', { lease: 'broken' }, 'unsafe'],
    ['lease', { 'lease takeover': 'unknown' }, 'unknown'],
    [
      'lease',
      { flock: 'broken', link: 'refused', 'exclusive create': 'broken', visibility: 'unknown' },
      'safe',
    ],
  ])('of %s with %j is %s', (backend, changes, expected) => {
    expect(judge(backend, evidence(changes)).verdict).toBe(expected);
  });

  test.each(['network', 'unknown'] as const)('needs a second mount on a %s file system', (kind) => {
    const fileSystem = { kind, name: 'some' } as const;
    for (const backend of ['flock', 'lease'] as const) {
      const alone = judge(backend, evidence({}, { fileSystem }));
      expect(alone.verdict).toBe('unknown');
      expect(alone.reasons.at(-1)).toContain('--peer');
      expect(judge(backend, evidence({}, { fileSystem, view: 'two mounts' })).verdict).toBe('safe');
      expect(judge(backend, evidence({ [backend]: 'broken' }, { fileSystem })).verdict).toBe('unsafe');
    }
  });

  test('is not given without the checks that it rests on', () => {
    const { findings, ...rest } = evidence({});
    const some = findings.filter(({ check }) => check !== 'lease takeover');
    expect(judge('lease', { ...rest, findings: some })).toMatchObject({ verdict: 'unknown' });
  });

  test('is unsafe by name, whatever the trial saw', () => {
    const flaws = [{ backend: 'flock', reason: 'so it is' }] as const;
    expect(judge('flock', evidence({}, { flaws }))).toEqual({ verdict: 'unsafe', reasons: ['so it is'] });
    expect(judge('lease', evidence({}, { flaws })).verdict).toBe('safe');
  });
});

test.each([
  ['nfs', ['rw', 'vers=3', 'nolock'], ['flock']],
  ['nfs4', ['rw', 'local_lock=flock'], ['flock']],
  ['nfs4', ['rw', 'local_lock=none'], []],
  ['nfs', ['rw', 'local_lock=posix'], []],
  ['cifs', ['rw', 'nobrl'], ['flock']],
  ['cifs', ['rw'], ['flock']],
  ['fuse.sshfs', [], ['flock']],
  ['fuse.smbnetfs', [], ['flock', 'lease']],
  ['ext4', ['rw'], []],
])('%s with %j is known to be unfit for %j', (mountType, mountOptions, expected) => {
  const greeting = { mountType, mountOptions } as unknown as Parameters<typeof knownFlaws>[0];
  expect(knownFlaws(greeting).map(({ backend }) => backend)).toEqual(expected);
});

test.each([
  ['build2:/mnt/share', 'build2', '/mnt/share'],
  ['me@build2:share', 'me@build2', 'share'],
  ['/mnt/a:b', undefined, '/mnt/a:b'],
  ['./a:b', undefined, `${process.cwd()}/a:b`],
  ['share', undefined, `${process.cwd()}/share`],
])('the place %j', (text, host, path) => {
  const location = parseLocation(text);
  expect(location).toEqual({ path, ...(host !== undefined && { host }) });
  expect(formatLocation(location)).toBe(host === undefined ? path : text);
});

test('a word survives the shell at the other end', () => {
  expect(quoteForShell(`it's $HOME`)).toBe(`'it'\\''s $HOME'`);
});
