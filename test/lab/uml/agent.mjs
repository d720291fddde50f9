// Runs what the host asks for inside a user-mode kernel. Orders and answers are lines of JSON on the console.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const say = (line) => process.stdout.write(`\n${JSON.stringify(line)}\n`);
const children = new Map();

function start({ id, script }) {
  const child = spawn('bash', ['-c', script], {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/run',
    detached: true,
  });
  children.set(id, child);
  createInterface({ input: child.stdout }).on('line', (text) => say({ id, text }));
  createInterface({ input: child.stderr }).on('line', (text) => say({ id, error: text }));
  child.stdin.on('error', () => undefined);
  child.on('close', (code, signal) => {
    children.delete(id);
    say({ id, code: code ?? 128, signal });
  });
}

createInterface({ input: process.stdin }).on('line', (line) => {
  let order;
  try {
    order = JSON.parse(line);
  } catch {
    return;
  }
  if (order.kind === 'start') start(order);
  if (order.kind === 'write') children.get(order.id)?.stdin.write(order.text);
  if (order.kind === 'signal') {
    const pid = children.get(order.id)?.pid;
    if (pid !== undefined) process.kill(-pid, order.signal);
  }
});
say({ ready: true });
