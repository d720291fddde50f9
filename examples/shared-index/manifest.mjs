// What a backup consists of: each file's path in the index, its size, its SHA-256, and which backup has its bytes.
import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';

import { JsonFile } from 'holdfast/durable';

import { hashFile } from './files.mjs';

const digest = (text) => createHash('sha256').update(text).digest('hex');

/** The manifest carries its own hash as well: a wrong hash in it would condemn a sound file, or the other way round. */
export function manifestText(manifest) {
  const body = JSON.stringify(manifest);
  return `${JSON.stringify({ sha256: digest(body), manifest })}\n`;
}

export async function readManifest(backup) {
  const { sha256, manifest } = await new JsonFile(join(backup, 'manifest.json')).read();
  if (digest(JSON.stringify(manifest)) !== sha256) throw new Error(`The manifest of "${backup}" is damaged.`);
  return manifest;
}

/** Where the bytes of a file of the backup are. */
export const bytesOf = (backup, file) => join(dirname(backup), file.in, file.sha256);

/** Reads every byte of a backup, those in earlier backups too. @throws naming the first file that is not what it was. */
export async function verifyBackup(backup) {
  const manifest = await readManifest(backup);
  for (const file of manifest.files) {
    const path = bytesOf(backup, file);
    const found = await hashFile(path).catch((error) => ({ sha256: error.code }));
    if (found.sha256 !== file.sha256) {
      throw new Error(
        `Backup "${basename(backup)}" is damaged: "${path}" is not the ${file.path} that was backed up.`,
      );
    }
  }
  return manifest;
}
