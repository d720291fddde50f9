import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';

import { makeDirectory } from '../../files/make-directory.js';
import { replaceFileSync } from '../../files/replace-sync.js';

export type ObjectId = string;

/** `extensions.objectFormat`: what ids are made with. */
export type ObjectFormat = 'sha1' | 'sha256';

export interface ObjectStore {
  readonly store: string;
  readonly format: ObjectFormat;
}

/**
 * Writes one loose object of git's own format (gitformat-loose: `type size NUL content`, deflated, named by its
 * hash) and returns its id. Three processes (hash-object, mktree, commit-tree) would do the same in 15 ms.
 * Not synced: after a power failure git may find it torn, and then the store, which holds nothing of its own,
 * is emptied and fetched again.
 */
export function writeObject(
  { store, format }: ObjectStore,
  type: 'blob' | 'tree' | 'commit',
  content: Buffer,
): ObjectId {
  const data = Buffer.concat([Buffer.from(`${type} ${content.length}\0`, 'latin1'), content]);
  const oid = createHash(format).update(data).digest('hex');
  const directory = join(store, 'objects', oid.slice(0, 2));
  makeDirectory(directory, { mode: 0o700 });
  const temporaryName = `tmp_obj_${randomBytes(6).toString('hex')}`;
  const deflated = deflateSync(data, { level: 1 });
  replaceFileSync(join(directory, oid.slice(2)), deflated, { mode: 0o444, isDurable: false, temporaryName });
  return oid;
}

/** Writes a tree with the one file of an event. */
export function writeTree(store: ObjectStore, name: string, blob: ObjectId): ObjectId {
  const entry = Buffer.concat([Buffer.from(`100644 ${name}\0`, 'latin1'), Buffer.from(blob, 'hex')]);
  return writeObject(store, 'tree', entry);
}

export interface CommitFields {
  readonly tree: ObjectId;
  readonly parent: ObjectId | undefined;
  /** `Name <email>`. */
  readonly author: string;
  readonly committer: string;
  readonly atSeconds: number;
  readonly message: string;
}

/** The text that is signed: the whole commit without its signature. */
export function commitText(fields: CommitFields): string {
  const parent = fields.parent === undefined ? '' : `parent ${fields.parent}\n`;
  const at = `${fields.atSeconds} +0000`;
  return `tree ${fields.tree}\n${parent}author ${fields.author} ${at}\ncommitter ${fields.committer} ${at}\n\n${fields.message}\n`;
}

/** Puts an armored signature into the commit's header, as git does it: continuation lines begin with a space. */
export function withSignature(text: string, armored: string, format: ObjectFormat = 'sha1'): string {
  const end = text.indexOf('\n\n');
  const folded = armored.trimEnd().replaceAll('\n', '\n ');
  const header = format === 'sha1' ? 'gpgsig' : `gpgsig-${format}`;
  return `${text.slice(0, end)}\n${header} ${folded}${text.slice(end)}`;
}

export interface ParsedCommit {
  readonly parents: readonly ObjectId[];
  /** Name of the author, without the address. */
  readonly authorName: string;
  readonly signature: string | undefined;
  /** What the signature is over. */
  readonly payload: string;
}

export function parseCommit(text: string): ParsedCommit {
  const end = text.indexOf('\n\n');
  const header = end < 0 ? text : text.slice(0, end);
  const signature = /^gpgsig(?:-sha256)? (.*(?:\n .*)*)/m.exec(header);
  const parents = [...header.matchAll(/^parent ([0-9a-f]+)$/gm)].map((match) => match[1] as string);
  return {
    parents,
    authorName: /^author (.*?) ?<[^>]*> -?\d+ [+-]\d{4}$/m.exec(header)?.[1] ?? '',
    signature: signature?.[1]?.replaceAll('\n ', '\n'),
    payload:
      signature === null
        ? text
        : header.replace(`${signature[0]}\n`, '').replace(`\n${signature[0]}`, '') +
          text.slice(end < 0 ? text.length : end),
  };
}
