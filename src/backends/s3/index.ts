export { createBorrowedS3Backend, createS3Backend } from './backend.js';
export { openBucket, provenBucket } from './proof-memory.js';
export type { S3ClientLike } from './borrowed.js';
