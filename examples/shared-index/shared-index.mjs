#!/usr/bin/env node
import { access } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';

import { formatDuration, isLockError, parseDuration } from 'holdfast';

import { backUp, backupsIn } from './backup.mjs';
import { LockedIndexer } from './locked-indexer.mjs';
import { verifyBackup } from './manifest.mjs';
import { check, search } from './reading.mjs';
import { restore } from './restore.mjs';
import { stopSignal } from './shutdown.mjs';

const USAGE = `shared-index add INDEX DOCUMENTS.jsonl   [--engine jsonl|tantivy] [--batch 100] [--pace 0ms]
shared-index search INDEX WORD...
shared-index check INDEX
shared-index backup INDEX FOLDER         [--full]
shared-index verify FOLDER[/BACKUP]
shared-index restore FOLDER[/BACKUP] INDEX

--lease 30s  how long others wait for a host that fell silent`;

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      engine: { type: 'string' },
      batch: { type: 'string', default: '100' },
      pace: { type: 'string', default: '0' },
      full: { type: 'boolean', default: false },
      lease: { type: 'string', default: '30s' },
    },
  });
  const [command, first, ...rest] = positionals;
  if (!(positionals.length > (ARGUMENTS[command] ?? Infinity))) throw new TypeError(USAGE);
  const paceMs = parseDuration(values.pace);
  const lockOptions = { leaseDurationMs: parseDuration(values.lease), onWait: sayWait };
  const batchSize = Number(values.batch);
  if (!(batchSize >= 1)) throw new RangeError(`--batch wants a number from 1 on, not "${values.batch}".`);
  return { command, first, rest, paceMs, lockOptions, batchSize, engine: values.engine, isFull: values.full };
}

function argumentsOrExit() {
  try {
    return readArguments();
  } catch (error) {
    console.error(error.message);
    return process.exit(64);
  }
}

const ARGUMENTS = { add: 2, search: 2, check: 1, backup: 2, verify: 1, restore: 2 };
const { command, first, rest, paceMs, lockOptions, batchSize, engine, isFull } = argumentsOrExit();
const signal = stopSignal();
const options = { lockOptions, signal };

const COMMANDS = {
  add: () => add(first, rest[0]),
  search: async () => {
    for (const id of await search(first, rest)) console.log(id);
  },
  check: async () => {
    const found = await check(first);
    const { documents, commits, holders } = found;
    console.log(
      `${documents} documents, each once, in ${commits} commits of ${holders} holds (${found.engine})`,
    );
  },
  backup: async () => {
    const { name, files, copied, documents } = await backUp(first, rest[0], {
      ...options,
      isFull,
    });
    console.log(`${name}: ${documents} documents, ${files} files, ${copied} of them new`);
  },
  verify: async () => {
    const { documents, files } = await verifyBackup(await oneBackup(first));
    console.log(`sound: ${documents} documents, ${files.length} files`);
  },
  restore: async () => {
    const { documents, old } = await restore(await oneBackup(first), rest[0], options);
    console.log(`${documents} documents are back`);
    console.error(`what was there before is in ${old}; delete it when you are sure`);
  },
};

async function add(index, source) {
  const name = basename(source);
  // JsonLines takes a file that is not there for one without records; here it is a slip of the keyboard.
  await access(source);
  const indexer = new LockedIndexer(index, { engine, lockOptions });
  for (;;) {
    try {
      const done = await indexer.indexNext(source, { name, batchSize, signal, paced });
      if (done === undefined) return;
      console.log(`commit ${done.number}: ${done.documents} documents of ${name}`);
    } catch (error) {
      if (!isLockError(error) || !error.isLost) throw error;
      // Nothing of the batch is in the index. The next turn begins with what is there now.
      console.error(`not committed: ${error.message}`);
    }
  }
}

async function* paced(documents) {
  for (const document of documents) {
    if (paceMs > 0) await delay(paceMs, undefined, { signal });
    yield document;
  }
}

/** A folder of backups stands for the last of them. */
async function oneBackup(path) {
  const last = (await backupsIn(path)).at(-1);
  if (last === undefined) await access(join(path, 'manifest.json'));
  return last === undefined ? path : join(path, last);
}

function sayWait(event) {
  if (event.type === 'started')
    console.error(`waiting for the lock (up to ${formatDuration(event.timeoutMs)})`);
}

try {
  await COMMANDS[command]();
} catch (error) {
  const reason = signal.aborted ? signal.reason : error;
  console.error(reason.message);
  process.exitCode = reason.exitCode ?? 1;
}
