import { createKeeper } from '../../../dist/renewal/index.js';
import { systemClock } from '../../../dist/platform/clock.js';
import { leaseClock } from '../../../dist/platform/lease-clock.js';

/** The server that the test file started; child processes find it in their environment. */
export function serverAddress(variable) {
  const address = process.env[variable];
  if (address === undefined) throw new Error(`${variable} names no server`);
  return address;
}

let keeper;
/** One for all clients of this process, as in a program. */
export function processKeeper() {
  return (keeper ??= createKeeper(systemClock, leaseClock));
}

/** The same server under its name. */
export function otherSpelling(address) {
  return address.replaceAll('127.0.0.1', 'localhost');
}

let count = 0;
export function newName() {
  return `resource ${process.pid}/${++count} {é%}`;
}
