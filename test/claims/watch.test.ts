import { expect, test } from 'vitest';

import { claim, release, steal } from '../../src/claims/index.js';
import { startCli } from '../support/cli.js';
import { clones, optionsFor, testRemote, transportsFor } from '../support/git-remotes.js';
import { eventually } from '../support/processes.js';

test.each(transportsFor('http'))(
  'watch over %s tells every change, and an outage once',
  async (transport) => {
    const remote = await testRemote(transport);
    const [ada = '', bob = '', cyd = ''] = await clones(remote, 'ada', 'bob', 'cyd');
    const watching = startCli(cyd, ['claims', 'watch', '--interval', '50ms', '--stale-after', '1ms']);
    const told = { stdout: '', stderr: '' };
    watching.process.stdout?.on('data', (chunk: string) => (told.stdout += chunk));
    watching.process.stderr?.on('data', (chunk: string) => (told.stderr += chunk));
    const line = (pattern: RegExp): Promise<boolean> =>
      eventually(`it says ${pattern}`, () => pattern.test(told.stdout + told.stderr));
    await claim('x', { ...optionsFor(ada), reason: 'the parser', staleAfterMs: 500 });
    await line(/^claimed x ada .*"the parser"$/m);
    await line(/^stale x ada /m);
    await steal('x', { ...optionsFor(bob), force: true, reason: 'test' });
    await line(/^stolen x bob /m);
    await release('x', optionsFor(bob));
    await line(/^released x \(was bob /m);
    await remote.goDown();
    await line(/Could not read "all claims"/);
    await remote.comeBack();
    await claim('y', optionsFor(ada));
    await line(/^claimed y ada /m);
    watching.process.kill('SIGTERM');
    const { code, stderr } = await watching.ended;
    expect(code).toBe(143);
    expect(stderr.match(/Could not read/g)).toHaveLength(1);
  },
);
