import { readlinkSync } from 'node:fs';
import { hostname as osHostname } from 'node:os';
import { expect, test } from 'vitest';

import {
  ancestorsOf,
  bootId,
  commandOf,
  hostname,
  isProcessAlive,
  ownIdentity,
  programOf,
  pidNamespace,
  processStartTime,
  timeNamespace,
} from '../../src/platform/identity.js';
import { readProcessStat } from '../../src/platform/process-stat.js';
import { bundleSource } from '../support/bundle.js';
import { eventually, start, startShell } from '../support/processes.js';

test('the own identity names this host, boot, namespace and start', () => {
  expect(hostname()).toBe(osHostname());
  expect(bootId()).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
  expect(readlinkSync('/proc/self/ns/pid')).toBe(`pid:[${pidNamespace()}]`);
  expect(ownIdentity()).toEqual({
    pid: process.pid,
    startTime: readProcessStat('self')?.startTime,
    host: osHostname(),
    bootId: bootId(),
    pidNamespace: pidNamespace(),
    timeNamespace: timeNamespace(),
  });
});

test('this process is alive', () => {
  expect(isProcessAlive(ownIdentity())).toBe(true);
});

test('a child is alive until it ends', async () => {
  const child = startShell('read line');
  const subject = { ...ownIdentity(), pid: child.pid, startTime: processStartTime(child.pid) };
  expect(subject.startTime).toBeGreaterThan(0);
  expect(isProcessAlive(subject)).toBe(true);
  child.process.stdin?.end('\n');
  await child.exited;
  expect(isProcessAlive(subject)).toBe(false);
});

test('asking does not resume a stopped process', async () => {
  const child = startShell('read line');
  const subject = { ...ownIdentity(), pid: child.pid, startTime: processStartTime(child.pid) };
  process.kill(child.pid, 'SIGSTOP');
  await eventually('stopped', () => readProcessStat(child.pid)?.state === 'T');
  expect(isProcessAlive(subject)).toBe(true);
  expect(readProcessStat(child.pid)?.state).toBe('T');
});

test('a zombie is dead', async () => {
  // The shell replaces itself by a program that never reaps what the shell started.
  const child = startShell('sleep 600 & echo $!; exec cat');
  const pid = Number((await child.line(/^(\d+)$/))[1]);
  await eventually('replaced', () => readProcessStat(child.pid)?.name === 'cat');
  process.kill(pid, 'SIGKILL');
  await eventually('a zombie', () => readProcessStat(pid)?.state === 'Z');
  expect(isProcessAlive({ ...ownIdentity(), pid, startTime: undefined })).toBe(false);
});

test('a reused pid is dead', () => {
  const startTime = (ownIdentity().startTime ?? 0) - 1;
  expect(isProcessAlive({ ...ownIdentity(), startTime })).toBe(false);
});

test('start times of different time namespaces do not compare', () => {
  const elsewhere = { ...ownIdentity(), timeNamespace: 1 };
  expect(isProcessAlive({ ...elsewhere, startTime: 1 })).toBeUndefined();
  expect(isProcessAlive(elsewhere)).toBe(true);
});

test.each([
  ['another boot or host', { bootId: '00000000-0000-0000-0000-000000000000' }],
  ['an unrecorded boot', { bootId: undefined }],
  ['another pid namespace', { pidNamespace: 1 }],
  ['an unrecorded pid namespace', { pidNamespace: undefined }],
  ['a pid of zero', { pid: 0 }],
  ['a process group', { pid: -1 }],
  ['no number', { pid: Number.NaN }],
])('nothing is known about %s', (_, difference) => {
  expect(isProcessAlive({ ...ownIdentity(), ...difference })).toBeUndefined();
});

test("somebody else's process, which we may not signal, is alive", async () => {
  const identity = await bundleSource('platform/identity.ts');
  const script = `
    const { isProcessAlive, ownIdentity } = require(${JSON.stringify(identity)});
    const stranger = { ...ownIdentity(), pid: 1, startTime: undefined };
    if (process.getuid() === 0) process.setuid(65534);
    let refusal;
    try { process.kill(1, 0) } catch (error) { refusal = error.code }
    console.log(refusal, isProcessAlive(stranger));`;
  const child = start(process.execPath, ['-e', script]);
  expect((await child.exited).stdout.trim()).toBe('EPERM true');
});

test('/proc of another pid namespace is not believed', async () => {
  const identity = await bundleSource('platform/identity.ts');
  const script = `
    const { processStartTime, isProcessAlive, ownIdentity } = require(${JSON.stringify(identity)});
    console.log(process.pid, processStartTime(1), isProcessAlive({ ...ownIdentity(), startTime: 1 }));`;
  const child = start('unshare', ['-Ur', '--pid', '--fork', process.execPath, '-e', script]);
  expect((await child.exited).stdout.trim()).toBe('1 undefined undefined');
});

test('parents are ancestors, strangers, children and oneself are not', () => {
  const child = startShell('read line');
  const grandparent = readProcessStat(process.ppid)?.parentPid ?? 0;
  const above = [...ancestorsOf(process.pid)];
  expect(above.slice(0, 2)).toEqual([process.ppid, grandparent]);
  expect(above).not.toContain(process.pid);
  expect(above).not.toContain(child.pid);
  expect([...ancestorsOf(child.pid)].slice(0, 2)).toEqual([process.pid, process.ppid]);
});

test('a command is shown without its directory, with its arguments, on one line and short', async () => {
  const child = start('/bin/sh', ['-c', 'read line\n# end', 'x'.repeat(200)]);
  await eventually('exec', () => readProcessStat(child.pid)?.name === 'sh');
  expect(commandOf(child.pid)).toBe(`sh -c read line?# end ${'x'.repeat(57)}…`);
  expect(commandOf(child.pid, 10)).toBe('sh -c rea…');
});

test('the command of nobody is undefined', () => {
  expect(commandOf(2 ** 30)).toBeUndefined();
});

test('a program is named without its arguments, and a script by its own name', async () => {
  const shell = startShell('read line # s3cret');
  expect(programOf(shell.pid)).toBe('sh');
  const script = start(process.execPath, [
    '-e',
    "process.title = 'worker: pass=s3cret'; console.log('up'); setInterval(() => {}, 1e6)",
  ]);
  await script.line(/^up$/);
  expect(programOf(script.pid)).toBe('worker');
  expect(programOf(2 ** 30)).toBeUndefined();
  expect(programOf(process.pid)).not.toContain(' ');
});
