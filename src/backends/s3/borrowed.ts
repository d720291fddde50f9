import { s3Config, type S3Config } from './config.js';
import type { S3Credentials } from './credentials.js';

/**
 * As much of an `S3Client` of `@aws-sdk/client-s3` as a lock needs: where the store is, and how requests are signed. Its
 * requests themselves are not used, since it repeats those that seem to have failed.
 */
export interface S3ClientLike {
  /** Of the client's configuration only what a request needs. */
  readonly config: {
    credentials(): Promise<S3Credentials>;
    region(): Promise<string>;
    readonly endpoint?:
      | (() => Promise<{
          readonly protocol: string;
          readonly hostname: string;
          readonly port?: number | undefined;
          readonly path?: string | undefined;
        }>)
      | undefined;
    readonly forcePathStyle?: boolean | undefined;
  };
}

export async function borrowedConfig({ config }: S3ClientLike, target: string): Promise<S3Config> {
  const [address = '', query = ''] = target.split('?', 2);
  const parameters = new URLSearchParams(query);
  if (!parameters.has('region')) parameters.set('region', await config.region());
  const endpoint = await config.endpoint?.();
  if (endpoint !== undefined && !parameters.has('endpoint')) {
    const { protocol, hostname, port, path = '' } = endpoint;
    parameters.set('endpoint', `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`);
  }
  if (config.forcePathStyle === true && !parameters.has('style')) parameters.set('style', 'path');
  return s3Config(`${address}?${String(parameters)}`);
}
