import { LockError } from '../../core/errors.js';
import { asOutage, connectionError, unavailableError } from '../../net/unavailable.js';
import { refusalError, type Refusal } from '../engine/errors.js';
import { NotSentError, type S3Answer } from './client.js';
import type { S3Config } from './config.js';
import { NoCredentials } from './credentials.js';

/** An answer that is no answer to what was asked. */
export class S3Refusal extends Error {
  readonly status: number;
  readonly code: string | undefined;
  readonly region: string | undefined;

  constructor({ status, code, headers }: S3Answer) {
    super(`the store answered ${status}${code === undefined ? '' : ` ${code}`}`);
    this.status = status;
    this.code = code;
    const region = headers['x-amz-bucket-region'];
    this.region = typeof region === 'string' ? region : undefined;
  }
}

type Fact = readonly [fact: string, nextStep: string];

const UNAVAILABLE: Readonly<Record<string, Fact>> = {
  InvalidAccessKeyId: ['it does not know the access key', 'Correct AWS_ACCESS_KEY_ID or the profile'],
  SignatureDoesNotMatch: [
    'it refused the signature',
    'Correct AWS_SECRET_ACCESS_KEY, the region and the endpoint',
  ],
  ExpiredToken: ['the credentials have expired', 'Renew them'],
  InvalidToken: ['it refused the session token', 'Renew the credentials'],
  NoSuchBucket: ['the bucket does not exist', 'Create it, or correct the address and its region'],
  RequestTimeTooSkewed: ['its clock and the one of this machine differ too much', 'Set both by NTP'],
};

const REFUSALS: Readonly<Record<string, Refusal>> = {
  AccessDenied: [
    'HOLDFAST_PERMISSION',
    'the store does not allow this user to do that',
    'Allow s3:GetObject and s3:PutObject on the prefix, and s3:ListBucket on the bucket',
  ],
  InvalidObjectState: [
    'HOLDFAST_CONFIG_MISMATCH',
    'the object was archived by a rule of the bucket',
    'Exempt the prefix from lifecycle rules',
  ],
};

const NO_CREDENTIALS: Fact = [
  'no credentials were found',
  'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or run `npm install @aws-sdk/credential-provider-node` for the other ways of AWS',
];

/** What a failure of the store means to the caller of a lock. */
export function s3Error(error: unknown, resource: string, { server, region }: S3Config): Error {
  if (error instanceof LockError || error instanceof TypeError) return error;
  if (error instanceof S3Refusal) return refusalOf(error, resource, region);
  const inner = error instanceof NotSentError ? error.cause : error;
  if (inner instanceof NoCredentials) return unavailableError(resource, ...NO_CREDENTIALS, error);
  const failure = connectionError(inner, resource, server);
  return (
    failure ?? asOutage(unavailableError(resource, `the connection to ${server} broke`, 'Try again', error))
  );
}

function refusalOf(error: S3Refusal, resource: string, region: string): Error {
  const { code = '', status } = error;
  const isElsewhere = [301, 307].includes(status) || code === 'AuthorizationHeaderMalformed';
  if (isElsewhere || (error.region !== undefined && error.region !== region)) {
    const where = error.region === undefined ? 'another region' : `the region ${error.region}`;
    const next = `Write ?region=${error.region ?? 'NAME'} into the address, or set AWS_REGION`;
    return refusalError(resource, ['HOLDFAST_CONFIG_MISMATCH', `the bucket lies in ${where}`, next], error);
  }
  const unavailable = UNAVAILABLE[code];
  if (unavailable !== undefined) return unavailableError(resource, unavailable[0], unavailable[1], error);
  const refusal = REFUSALS[status === 403 && REFUSALS[code] === undefined ? 'AccessDenied' : code];
  if (refusal !== undefined) return refusalError(resource, refusal, error);
  const what = code === '' ? String(status) : `${status} ${code}`;
  const failure = unavailableError(
    resource,
    `the store answered ${what}`,
    'Try again, and look at its log',
    error,
  );
  return status >= 500 || status === 429 ? asOutage(failure) : failure;
}
