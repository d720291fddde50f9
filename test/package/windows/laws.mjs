// The laws of `run` and of names on Windows, each on its own: node laws.mjs HELPER_EXE [LAW]. Prints `ok LAW` or `NOT LAW why`.
// Runs beside an installed holdfast, on Windows or under wine on a C: folder.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquire, inspect, lockAll, tryAcquire } from 'holdfast';

const [, , helperPath, only] = process.argv;
const helper = resolve(helperPath);
const holdfast = join(
  dirname(createRequire(import.meta.url).resolve('holdfast/package.json')),
  'dist/bin/holdfast.cjs',
);
const HANG_MS = 60_000;

/** A folder of its own for each law; what runs there is ended with it. */
const folder = () => mkdtempSync(join(tmpdir(), 'holdfast-law-'));

function write(path, text) {
  writeFileSync(path, text);
  return path;
}

async function eventually(what, look) {
  for (const end = Date.now() + HANG_MS; Date.now() < end; await sleep(20)) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
  }
  throw new Error(`${what} did not happen`);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const content = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

function start(args, options = {}) {
  const child = spawn(process.execPath, [holdfast, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (bytes) => (output.stdout += String(bytes)));
  child.stderr?.on('data', (bytes) => (output.stderr += String(bytes)));
  const ended = new Promise((resolve) => child.once('close', (code) => resolve({ code, ...output })));
  return { child, ended };
}

const run = (...args) => start(args).ended;

function expect(found, wanted, what) {
  const [a, b] = [found, wanted].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`);
}

/** A command that starts one below it, and that one another; the one between ends. All pids go into `pids`. */
function tree(place, { staysMs = HANG_MS, isDetached = false } = {}) {
  const pids = join(place, 'pids');
  const note = `require('fs').appendFileSync(${JSON.stringify(pids)}, process.pid + '\\n');`;
  const leaf = write(join(place, 'leaf.cjs'), `${note} setTimeout(() => {}, ${HANG_MS});`);
  const below = `require('child_process').spawn(process.execPath, [PATH], { stdio: 'ignore', detached: true }).unref();`;
  const middle = write(join(place, 'middle.cjs'), below.replace('PATH', JSON.stringify(leaf)));
  const child = isDetached ? leaf : middle;
  const root = `${note} ${below.replace('PATH', JSON.stringify(child))} setTimeout(() => {}, ${staysMs});`;
  return {
    script: write(join(place, 'root.cjs'), root),
    pids: () => content(pids).split('\n').filter(Boolean).map(Number),
  };
}

const HOSTILE = [
  ...[
    'a b',
    '',
    '"',
    '""',
    "'",
    '\\',
    '\\\\',
    'a\\"b',
    'x\\',
    'a b\\',
    '\t',
    '^',
    '^^',
    '%',
    '%%',
    '!x!',
    '()',
    ';,=',
  ],
  ...[
    '&echo x>canary',
    '"&echo x>canary',
    '" & echo x>canary & "',
    '\\"&echo x>canary',
    '^&echo x>canary',
    '|echo x>canary',
  ],
  ...[
    '>canary',
    '2>canary',
    '<nul>canary',
    '&&echo x>canary',
    '||echo x>canary',
    '%PATH%',
    '%CANARY%',
    '%CANARY:~0,1%',
  ],
  ...[
    '%CMDCMDLINE:~-1%&echo x>canary',
    '"%CMDCMDLINE:~-1%&echo x>canary',
    '%=ExitCode%',
    '^"&echo x>canary^"',
    '@echo x>canary',
  ],
];

const laws = {
  'a killed wrapper takes its command and all below it along': async () => {
    const place = folder();
    const { script, pids } = tree(place);
    const { child, ended } = start(['run', join(place, 'x.lock'), '--', process.execPath, script]);
    await eventually('the start of both', () => pids().length === 2);
    child.kill('SIGKILL');
    await ended;
    await eventually('the end of both', () => !pids().some(isAlive));
    expect(
      (await run('run', '-n', join(place, 'x.lock'), '--', process.execPath, '-e', '0')).code,
      0,
      'next',
    );
  },
  'what a command leaves behind lives on': async () => {
    const place = folder();
    const { script, pids } = tree(place, { staysMs: 0, isDetached: true });
    expect((await run('run', join(place, 'x.lock'), '--', process.execPath, script)).code, 0, 'exit code');
    const [, left] = await eventually('the start of both', () => (pids().length === 2 ? pids() : undefined));
    await sleep(300);
    expect(isAlive(left), true, 'alive');
    process.kill(left);
  },
  'a lost lease ends the command and all below it, with 76': async () => {
    const place = folder();
    const { script, pids } = tree(place);
    const lock = `lease:${join(place, 'x.lock')}`;
    const { ended } = start(['run', '--lease', '2s', lock, '--', process.execPath, script]);
    await eventually('the start of both', () => pids().length === 2);
    const [{ holderId }] = (await inspect(lock)).holders;
    expect((await run('break', lock, '--holder', holderId, '--force')).code, 0, 'break');
    expect((await ended).code, 76, 'exit code');
    await eventually('the end of both', () => !pids().some(isAlive));
  },
  'after Ctrl-C, Ctrl-Break and the closing of the window the lock is held until the command has ended':
    async () => {
      for (const [key, signal] of Object.entries({
        interrupt: 'SIGINT',
        break: 'SIGBREAK',
        close: 'SIGHUP',
      })) {
        const place = folder();
        const lock = join(place, 'x.lock');
        const [ready, got, go] = ['ready', 'got', 'go'].map((name) => join(place, name));
        const script = write(
          join(place, 'command.cjs'),
          `const fs = require('fs');
        process.on('${signal}', () => fs.writeFileSync(${JSON.stringify(got)}, ''));
        fs.writeFileSync(${JSON.stringify(`${ready}.part`)}, String(process.pid));
        fs.renameSync(${JSON.stringify(`${ready}.part`)}, ${JSON.stringify(ready)});
        setInterval(() => fs.existsSync(${JSON.stringify(go)}) && process.exit(5), 20);`,
        );
        const line = [process.execPath, holdfast, 'run', lock, '--', process.execPath, script];
        const terminal = spawn(helper, ['console', line.join(' ')], { stdio: ['ignore', 'pipe', 'inherit'] });
        const ended = new Promise((resolve) => terminal.once('close', resolve));
        const wrapper = await new Promise((resolve) =>
          terminal.stdout.once('data', (text) => resolve(String(text).trim())),
        );
        await eventually('the start', () => existsSync(ready));
        const reached = key === 'interrupt' ? [wrapper] : [content(ready), wrapper];
        for (const pid of reached) expect(spawnSync(helper, [key, pid]).status, 0, key);
        await eventually('the signal', () => existsSync(got));
        await sleep(500);
        expect((await tryAcquire(lock)) === undefined, true, `held after ${key}`);
        write(go, '');
        expect(await ended, 5, `exit code after ${key}`);
        expect((await tryAcquire(lock)) !== undefined, true, 'free');
      }
    },
  'the holder of a kernel lock is shown by its record, alive': async () => {
    const lock = join(folder(), 'x.lock');
    const guard = await acquire(lock, { reason: 'shown' });
    const { stdout } = await run('show', lock, '--json');
    const [holder] = JSON.parse(stdout).data.holders;
    expect([holder.pid, holder.isAlive, holder.reason], [process.pid, true, 'shown'], 'holder');
    const doctor = (await run('doctor', dirname(lock))).stdout;
    expect(/start time \d+/.test(doctor), true, 'start time');
    expect(/writer gate +available/.test(doctor), true, 'writer gate');
    await guard.release();
  },
  'names that differ in case, and all spellings of a path, are one lock': async () => {
    const place = folder();
    const spellings = [
      join(place, 'A.lock'),
      join(place, 'a.LOCK'),
      `\\\\?\\${join(place, 'a.lock')}`,
      join(place, 'a.lock').replaceAll('\\', '/'),
    ];
    for (const scheme of ['', 'lease:']) {
      const all = await lockAll(
        spellings.map((path) => scheme + path),
        { timeoutMs: HANG_MS },
      );
      for (const path of spellings) expect((await tryAcquire(scheme + path)) === undefined, true, path);
      await all.release();
      rmSync(spellings[0], { recursive: true, force: true });
    }
  },
  'long paths are locked': async () => {
    const place = join(folder(), 'd'.repeat(100), 'e'.repeat(100), 'f'.repeat(100));
    mkdirSync(place, { recursive: true });
    for (const address of [join(place, 'x.lock'), `lease:${join(place, 'y.lock')}`]) {
      const guard = await acquire(address, { timeoutMs: HANG_MS });
      expect((await tryAcquire(address)) === undefined, true, address);
      await guard.release();
    }
  },
  'a lock file that another program has open unshared is waited for': async () => {
    const lock = join(folder(), 'x.lock');
    const other = spawn(helper, ['unshared', lock], { stdio: ['pipe', 'pipe', 'inherit'] });
    await new Promise((resolve) => other.stdout.once('data', resolve));
    expect((await tryAcquire(lock)) === undefined, true, 'contended');
    const waiting = acquire(lock, { timeoutMs: HANG_MS });
    await sleep(200);
    other.stdin.end();
    await (await waiting).release();
  },
  'arguments of a batch file never become commands': async () => {
    const place = folder();
    const seen = join(place, 'seen');
    const print = write(
      join(place, 'print.cjs'),
      `require('fs').writeFileSync(${JSON.stringify(seen)}, JSON.stringify(process.argv.slice(2)))`,
    );
    const batch = write(join(place, 'print.cmd'), `@"${process.execPath}" "${print}" %*\r\n`);
    const changed = [];
    for (const word of HOSTILE) {
      rmSync(seen, { force: true });
      const { ended } = start(['run', join(place, 'x.lock'), '--', batch, 'first', word], {
        cwd: place,
        env: { ...process.env, CANARY: '&echo x>canary' },
      });
      const { code, stderr } = await ended;
      if (existsSync(join(place, 'canary'))) throw new Error(`${word} became a command`);
      const found = content(seen);
      if (found !== JSON.stringify(['first', word]))
        changed.push(`${JSON.stringify(word)} -> ${found || `${code} ${stderr}`}`);
    }
    for (const word of ['a\nb', 'a\rb']) {
      expect((await run('run', join(place, 'x.lock'), '--', batch, word)).code, 126, 'line ends');
    }
    console.log(`# ${HOSTILE.length} arguments, changed on their way: ${changed.join(' | ') || 'none'}`);
  },
  'a batch file is found on PATH, and its exit code passes through': async () => {
    const place = folder();
    write(join(place, 'tool.cmd'), '@exit /b 7\r\n');
    const Path = `${place};${process.env.PATH ?? process.env.Path}`;
    const env = {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^path$/i.test(name))),
      Path,
    };
    expect((await start(['run', join(place, 'x.lock'), '--', 'tool'], { env }).ended).code, 7, 'exit code');
  },
  'programs of the current directory are not run': async () => {
    const place = folder();
    for (const name of ['git', 'taskkill', 'tool']) write(join(place, `${name}.cmd`), '@echo x>canary\r\n');
    const results = [];
    for (const args of [
      ['run', 'x.lock', '--', 'tool'],
      ['run', 'x.lock', '--', 'git', '--version'],
      ['claim', 'x', '--remote', 'C:\\none'],
      ['claims', 'list'],
    ])
      results.push((await start(args, { cwd: place }).ended).code);
    expect(existsSync(join(place, 'canary')), false, `canary (${results.join()})`);
    expect(results.slice(0, 1), [127], 'exit code');
  },
};

let failures = 0;
for (const [law, prove] of Object.entries(laws)) {
  if (only !== undefined && !law.includes(only)) continue;
  try {
    await prove();
    console.log(`ok ${law}`);
  } catch (error) {
    failures += 1;
    console.log(`NOT ${law}: ${error.stack}`);
  }
}
process.exit(failures === 0 ? 0 : 1);
