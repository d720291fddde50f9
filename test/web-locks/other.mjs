// node other.mjs PLACE NAME-AS-JSON MODE: asks for a Web Lock, and keeps it for good.
import { LockManager } from '../../dist/web-locks/index.js';

const [place, name, mode] = process.argv.slice(2);
const locks = new LockManager({ place });
const held = locks.request(JSON.parse(name), { mode }, () => {
  console.log('held');
  return new Promise(() => setInterval(() => undefined, 60_000));
});
console.log('asked');
await held;
