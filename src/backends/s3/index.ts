export { createBorrowedS3Backend, createS3Backend } from './backend.js';
export type { S3ClientLike } from './borrowed.js';
export { NotSentError, S3Client, type S3Answer } from './client.js';
export { s3Config, type S3Config } from './config.js';
export { usualCredentials } from './credentials.js';
export { s3Error, S3Refusal } from './errors.js';
export { forgetProof, openBucket, provenBucket } from './proof-memory.js';
export { etagOf, S3Register } from './register.js';
