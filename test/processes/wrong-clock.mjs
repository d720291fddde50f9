// What the clocks say here, in one line of JSON.
import { readFileSync } from 'node:fs';

import { leaseClock } from '../../dist/platform/lease-clock.js';
import { loadNative } from '../../dist/platform/native.js';

// The kernel's own word, which no preloaded library changes.
const uptimeMs = () => Number.parseFloat(readFileSync('/proc/uptime', 'utf8')) * 1_000;

const read = () => ({ uptimeMs: uptimeMs(), leaseMs: leaseClock.now(), nativeMs: loadNative().bootTimeMs() });
read();
const before = read();
setTimeout(() => {
  const after = read();
  process.stdout.write(`${JSON.stringify({ wallMs: Date.now(), before, after })}\n`);
}, 1_000);
