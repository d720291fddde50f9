// node singleton-driver.mjs ADDRESS INFO LEASE_MS: becomes the only instance and stays it, or prints which one runs.
import { singleton } from '../../dist/index.js';

const [address, info, leaseMs] = process.argv.slice(2);
const lease = leaseMs === undefined ? {} : { leaseDurationMs: Number(leaseMs) };
const { running } = await singleton(address, { info: JSON.parse(info), ...lease });
console.log(running === undefined ? 'only' : JSON.stringify(running));
if (running === undefined) setInterval(() => undefined, 60_000);
