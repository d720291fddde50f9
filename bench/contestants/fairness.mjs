// fairness.mjs KIND PATH PROCESSES MS: least over greatest number of turns, and the longest wait in milliseconds.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { blockFor, contestant, nowUs, pause } from './kinds.mjs';

const words = process.argv.slice(2);
const isContender = words[0] === 'contender';
const [kind, path, processes, forMs] = isContender ? words.slice(1) : words;

if (isContender) await contend();
else await judge();

async function contend() {
  const { wait, release } = await contestant(kind);
  await release(await wait(path));
  process.send('ready');
  await new Promise((resolve) => process.once('message', resolve));
  const end = nowUs() + Number(forMs) * 1e3;
  let turns = 0;
  let longestUs = 0;
  while (nowUs() < end) {
    const asked = nowUs();
    const held = await wait(path);
    longestUs = Math.max(longestUs, nowUs() - asked);
    blockFor(1);
    turns++;
    await release(held);
  }
  process.send({ turns, longestUs });
  await pause(50);
  process.exit(0);
}

async function judge() {
  const { prepare } = await contestant(kind);
  prepare(path);
  const file = fileURLToPath(import.meta.url);
  const children = Array.from({ length: Number(processes) }, () =>
    fork(file, ['contender', kind, path, processes, forMs]),
  );
  const nextMessage = (child) => new Promise((resolve) => child.once('message', resolve));
  await Promise.all(children.map(nextMessage));
  const results = children.map(nextMessage);
  for (const child of children) child.send('go');
  const all = await Promise.all(results);
  const turns = all.map((result) => result.turns);
  const share = Math.min(...turns) / Math.max(...turns);
  const wait = Math.max(...all.map((result) => result.longestUs)) / 1e3;
  const perSecond = turns.reduce((sum, n) => sum + n, 0) / (Number(forMs) / 1e3);
  process.stdout.write(JSON.stringify({ share, wait, perSecond }));
  process.exit(0);
}
