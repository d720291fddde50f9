export { writeFileDurable, type WriteOptions } from './write.js';
export { JsonFile, type JsonFileOptions, type JsonWriteOptions } from './json-file.js';
export { JsonLines, type JsonLinesOptions, type JsonLinesReadOptions } from './json-lines.js';
export type { InvalidLine } from './record-decoder.js';
export { syncDirectory } from '../files/sync-directory.js';
export { sweepOrphans, SWEEP_INTERVAL_MS } from '../files/sweep.js';
export {
  renameWithRetry,
  RENAME_FIRST_RETRY_MS,
  RENAME_RETRY_CAP_MS,
  RENAME_TIMEOUT_MS,
  type RenameOptions,
} from '../files/rename.js';
export type { Fencing } from './fencing.js';
export type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.js';
