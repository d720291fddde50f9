// The conformance suite of one backend: node conform.mjs HELPER_EXE flock|lease. Prints `ok ID` or `NOT ID why` for each case.
// Runs beside an installed holdfast, on Windows or under wine on a C: folder.
import { ChildProcess, spawnSync } from 'node:child_process';
import { linkSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { resolve } from 'node:path';
import { casesFor, timing } from 'holdfast/testing';

const [, , helperPath, name] = process.argv;
const helper = resolve(helperPath);
const { subject } = await import(
  new URL(`node_modules/holdfast/test/conformance/subjects/${name}.mjs`, import.meta.url)
);
// The machine is emulated, and others use it.
timing.hangMs = 120_000;

// Windows knows no such signals, but threads can be stopped.
const kill = ChildProcess.prototype.kill;
const VERBS = { SIGSTOP: 'suspend', SIGCONT: 'resume' };
ChildProcess.prototype.kill = function (signal) {
  const verb = VERBS[signal];
  if (verb === undefined) return kill.call(this, signal);
  if (spawnSync(helper, [verb, String(this.pid)]).status !== 0) throw new Error(`could not ${verb}`);
  return true;
};

if (name === 'flock') {
  // A file that is open keeps its name until it is closed, also when it was removed; it can be renamed.
  subject.induceLoss = (resource) => rename(resource, `${resource}.gone`);
}
subject.aliasesOf = (resource) => {
  const spellings = [resource.toUpperCase(), `\\\\?\\${resource}`, resource.replaceAll('\\', '/')];
  if (name === 'lease') return Promise.resolve(spellings);
  linkSync(resource, `${resource}.hard`);
  return Promise.resolve([...spellings, `${resource}.hard`]);
};

const cases = casesFor(subject);
// The suite is run on Linux with the same cases: what binds there binds here.
console.log(`# ${cases.map(({ id }) => id).join(' ')}`);
let failures = 0;
await Promise.all(
  cases.map(async ({ id, law, run }) => {
    try {
      await run(subject);
      console.log(`ok ${id}`);
    } catch (error) {
      failures += 1;
      console.log(`NOT ${id} (${law}): ${error.stack}`);
    }
  }),
);
process.exit(failures === 0 ? 0 : 1);
