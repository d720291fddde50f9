// Claims against the least that any claim over git must do: one compare-and-swap push.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';

const { check, claim, list, release } = await import('../dist/claims/index.js');

const run = promisify(execFile);
const ENV = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))),
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
};
const BRANCHES = 'refs/heads/holdfast/claims/';
const git = async (cwd, ...args) => (await run('git', args, { cwd, env: ENV })).stdout.trim();

let servers = [];

/** A bare repository behind a path or smart HTTP, and clones of it. */
async function remote(directory, transport, names) {
  const path = join(directory, 'remote.git');
  await git(directory, 'init', '--quiet', '--bare', path);
  await git(path, 'config', 'http.receivepack', 'true');
  const url = transport === 'http' ? await serve(directory) : path;
  const agents = [];
  for (const name of names) {
    const cwd = join(directory, name);
    mkdirSync(cwd, { recursive: true });
    await git(cwd, 'init', '--quiet', '.');
    await git(cwd, 'config', 'remote.origin.url', url);
    agents.push({ cwd, agent: name, env: ENV });
  }
  return { url, agents };
}

async function serve(root) {
  const server = createServer((request, response) => {
    const [path, query = ''] = request.url.split('?');
    const env = {
      ...ENV,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: request.headers['git-protocol'] ?? '',
      REMOTE_USER: 'bench',
      REMOTE_ADDR: '127.0.0.1',
    };
    const backend = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
    backend.stdin.on('error', () => {});
    request.pipe(backend.stdin);
    const chunks = [];
    backend.stdout.on('data', (chunk) => chunks.push(chunk));
    backend.stdout.on('end', () => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf('\r\n\r\n');
      for (const line of all.subarray(0, end).toString().split('\r\n')) {
        const [name, value] = line.split(/: (.*)/);
        if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.end(all.subarray(end + 4));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return `http://127.0.0.1:${server.address().port}/remote.git`;
}

function dispose() {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  servers = [];
}

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

let counter = 0;
const newId = () => `item-${process.pid}-${counter++}`;

async function claimed(id, agent) {
  const { outcome } = await claim(id, agent);
  if (outcome !== 'claimed') throw new Error(`${id}: ${outcome}`);
}

/** Leaves `released` free, and seen by `ada`. */
async function releasedByBob(bob, ada) {
  await release('released', ada);
  await claimed('released', bob);
  await release('released', bob);
  await check('released', ada);
}

/** What the push alone takes, its commit made before. */
async function barePush(store, url) {
  const tree = await git(store, 'hash-object', '-t', 'tree', '-w', '/dev/null');
  const identity = ['-c', 'user.name=b', '-c', 'user.email=b@b'];
  const commit = await git(store, ...identity, 'commit-tree', '-m', newId(), tree);
  const ref = BRANCHES + newId();
  const args = ['push', '--porcelain', '--no-verify', `--force-with-lease=${ref}:`, url, `${commit}:${ref}`];
  return timed(() => git(store, ...args));
}

/** Git processes that we start, and those of them that talk to the remote, from GIT_TRACE2_EVENT. */
async function counted(directory, work) {
  const trace = join(directory, `trace-${counter++}`);
  await work({ GIT_TRACE2_EVENT: trace });
  const starts = readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"event":"start"'))
    .map((line) => JSON.parse(line))
    .filter(({ sid }) => !sid.includes('/'));
  const isNetwork = ({ argv }) => ['fetch', 'push', 'ls-remote'].includes(argv[1]);
  return { processes: starts.length, trips: starts.filter(isNetwork).length };
}

const claimTime = (transport) => ({
  id: `claim-${transport}`,
  rounds: 15,
  isInSmoke: transport === 'path',
  measures: [
    {
      id: 'time',
      title: `claim over ${transport} of a new item`,
      unit: 'ms',
      isChart: true,
      subject: 'claim',
      target: { to: 'one bare CAS push', ratioAtMost: 1.5 },
    },
  ],
  async contestants({ directory }) {
    const { url, agents } = await remote(directory, transport, ['ada', 'bob']);
    const [ada, bob] = agents;
    const store = join(directory, 'store.git');
    await git(directory, 'init', '--quiet', '--bare', store);
    await claimed('held', bob);
    await check('held', ada);
    return {
      claim: () => timed(() => claimed(newId(), ada)),
      'claim of a released item': async () => {
        await releasedByBob(bob, ada);
        return timed(() => claimed('released', ada));
      },
      'claim of a held item': () => timed(() => claim('held', ada)),
      'one bare CAS push': () => barePush(store, url),
    };
  },
  dispose,
});

const COST = {
  id: 'cost',
  rounds: 7,
  measures: [
    {
      id: 'processes',
      title: 'git processes of a claim',
      unit: '',
      subject: 'released by others',
      target: { atMost: 6 },
    },
    {
      id: 'trips',
      title: 'network round trips of a claim',
      unit: '',
      subject: 'released by others',
      target: { atMost: 2 },
    },
  ],
  async contestants({ directory }) {
    const [ada, bob] = (await remote(directory, 'path', ['ada', 'bob'])).agents;
    await claimed('held', bob);
    await check('held', ada);
    const count = (id) => counted(directory, (trace) => claim(id, { ...ada, env: { ...ENV, ...trace } }));
    const heldUnseen = async () => {
      const id = newId();
      await claimed(id, bob);
      return count(id);
    };
    const released = async () => {
      await releasedByBob(bob, ada);
      return count('released');
    };
    return {
      'released by others': released,
      new: () => count(newId()),
      held: () => count('held'),
      'held and never seen': heldUnseen,
    };
  },
};

/** Makes many claims of one: 10 000 pushes would take longer than everything that is measured. */
async function multiply(path, id, count) {
  const record = JSON.parse(await git(path, 'show', `${BRANCHES}${id}:lock.json`));
  let stream = '';
  for (let index = 1; index < count; index++) {
    const text = JSON.stringify({ ...record, resource: `task-${index}`, nonce: `nonce-${index}` });
    stream += `commit ${BRANCHES}task-${index}\nauthor ada <a@b> 0 +0000\ncommitter ada <a@b> 0 +0000\n`;
    stream += `data 1\nx\nM 100644 inline lock.json\ndata ${Buffer.byteLength(text)}\n${text}\n\n`;
  }
  execFileSync('git', ['fast-import', '--quiet'], { cwd: path, env: ENV, input: stream });
  await git(path, 'pack-refs', '--all');
}

const listOf = (count) => ({
  id: count === 1_000 ? 'list' : `list-${count}`,
  rounds: count > 1_000 ? 3 : 7,
  measures: [
    {
      id: 'time',
      title: `list of ${count} claims`,
      unit: 'ms',
      subject: 'again',
      ...(count > 1_000 && { target: { atMost: 500 } }),
    },
    {
      id: 'fresh',
      title: `list of ${count} claims in a fresh clone`,
      unit: 'ms',
      subject: 'in a fresh clone',
      ...(count > 1_000 && { target: { atMost: 3_000 } }),
    },
  ],
  async contestants({ directory }) {
    const [ada, bob] = (await remote(directory, 'path', ['ada', 'bob'])).agents;
    await claimed('task-0', ada);
    await multiply(join(directory, 'remote.git'), 'task-0', count);
    // As `git clone` leaves it.
    await git(bob.cwd, 'fetch', '--quiet', 'origin', '+refs/heads/*:refs/remotes/origin/*');
    await git(bob.cwd, 'pack-refs', '--all');
    const listed = async () => {
      const { claims } = await list({ ...bob, timeoutMs: 300_000 });
      if (claims.length !== count) throw new Error(`${claims.length} claims`);
    };
    await listed();
    return {
      again: () => timed(listed),
      'in a fresh clone': () => {
        rmSync(join(bob.cwd, '.git/holdfast'), { recursive: true });
        return timed(listed);
      },
    };
  },
});

const RACE = {
  id: 'race',
  rounds: 7,
  measures: [
    { id: 'time', title: '10 agents race for one new item', unit: 'ms', subject: 'until all know' },
    {
      id: 'trips',
      title: 'network round trips of the agent in that race that makes most',
      unit: '',
      subject: 'until all know',
      target: { atMost: 2 },
    },
  ],
  async contestants({ directory }) {
    const names = Array.from({ length: 10 }, (_, index) => `agent-${index}`);
    const { agents } = await remote(directory, 'path', names);
    return {
      'until all know': async () => {
        const id = newId();
        const outcomes = [];
        const start = performance.now();
        const costs = await Promise.all(
          agents.map((agent) =>
            counted(directory, async (trace) => {
              outcomes.push((await claim(id, { ...agent, env: { ...ENV, ...trace } })).outcome);
            }),
          ),
        );
        const time = performance.now() - start;
        if (outcomes.filter((outcome) => outcome === 'claimed').length !== 1)
          throw new Error(outcomes.join());
        return { time, trips: Math.max(...costs.map(({ trips }) => trips)) };
      },
    };
  },
};

export const suite = {
  title: 'Claims',
  experiments: [claimTime('path'), claimTime('http'), COST, listOf(1_000), listOf(10_000), RACE],
};
