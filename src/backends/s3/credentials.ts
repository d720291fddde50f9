import { sharedCredentials } from './profile.js';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly expiration?: Date | undefined;
}

/** Asked before each request: what it finds may expire. */
export type CredentialSource = () => Promise<S3Credentials>;

/** There is nothing to sign with. */
export class NoCredentials extends Error {}

interface ProviderPackage {
  defaultProvider(options: { readonly profile?: string }): CredentialSource;
}

/**
 * Where the AWS command line would find them: the environment, the profile's keys in `~/.aws/credentials`, and, if the
 * package `@aws-sdk/credential-provider-node` is installed, everything else that it knows (SSO, processes, web identity,
 * containers, the metadata of an instance).
 */
export function usualCredentials(
  profile: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): CredentialSource {
  let provider: CredentialSource | undefined;
  return async () => {
    const plain = (profile === undefined ? fromEnvironment(env) : undefined) ?? fromFile(profile, env);
    if (plain !== undefined) return plain;
    provider ??= await loadProvider(profile);
    return provider();
  };
}

function fromEnvironment(env: NodeJS.ProcessEnv): S3Credentials | undefined {
  return credentialsOf(env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'], env['AWS_SESSION_TOKEN']);
}

function fromFile(profile: string | undefined, env: NodeJS.ProcessEnv): S3Credentials | undefined {
  const section = sharedCredentials(profile, env);
  return credentialsOf(
    section?.['aws_access_key_id'],
    section?.['aws_secret_access_key'],
    section?.['aws_session_token'],
  );
}

function credentialsOf(
  accessKeyId: string | undefined,
  secretAccessKey: string | undefined,
  sessionToken: string | undefined,
): S3Credentials | undefined {
  if (accessKeyId === undefined || accessKeyId === '') return undefined;
  if (secretAccessKey === undefined || secretAccessKey === '') return undefined;
  const isTemporary = sessionToken !== undefined && sessionToken !== '';
  return { accessKeyId, secretAccessKey, ...(isTemporary && { sessionToken }) };
}

async function loadProvider(profile: string | undefined): Promise<CredentialSource> {
  // Not declared here, so that it need not be installed: its shape is all that is relied on.
  const name = '@aws-sdk/credential-provider-node';
  let provider: ProviderPackage;
  try {
    provider = (await import(name)) as ProviderPackage;
  } catch (error) {
    throw new NoCredentials('no credentials were found', { cause: error });
  }
  const provide = provider.defaultProvider({ ...(profile !== undefined && { profile }) });
  return async () => {
    try {
      return await provide();
    } catch (error) {
      throw new NoCredentials('no credentials were found', { cause: error });
    }
  };
}
