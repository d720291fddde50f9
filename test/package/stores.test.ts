import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

import { startBucketStore, type BucketStore } from '../../dist/testing/index.js';
import { Consumer } from './consumer.js';

// Programs and clients of others, as npm has them.
const app = new Consumer('node20', afterAll);
beforeAll(() =>
  app.install(
    inject('tarball'),
    's3rver@3.7.1',
    '@aws-sdk/client-s3@3.1175.0',
    '@aws-sdk/credential-provider-node@3.972.99',
  ),
);

const HOLDFAST = 'node_modules/holdfast/dist/bin/holdfast.cjs';

test('s3rver, which ignores conditions, is refused by verify and at the first use', async () => {
  app.write(
    's3rver.mjs',
    `import S3rver from 's3rver';
     import { execFile } from 'node:child_process';
     const configureBuckets = [{ name: 'bucket', configs: [] }];
     const server = new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory: 's3rver', configureBuckets });
     const { port } = await server.run();
     const env = { ...process.env, AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER', XDG_STATE_HOME: process.cwd() + '/state' };
     const store = 's3://bucket/locks?endpoint=http://127.0.0.1:' + port;
     const run = (...words) => new Promise((resolve) =>
       execFile(process.execPath, ['${HOLDFAST}', ...words], { env }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr })));
     const verified = await run('verify', '-q', '--json', '--rounds', '3', store);
     const used = await run('run', store + '#x', '--', 'true');
     await server.close();
     console.log(JSON.stringify({ verified, used }));
     process.exit();`,
  );
  const { stdout, stderr } = await app.node('s3rver.mjs');
  const { verified, used } = JSON.parse(stdout || stderr) as Record<
    'verified' | 'used',
    {
      readonly code: number;
      readonly stdout: string;
      readonly stderr: string;
    }
  >;
  expect(verified.code).toBe(78);
  const { data } = JSON.parse(verified.stdout) as {
    readonly data: { readonly verdict: string; readonly findings: readonly Record<string, string>[] };
  };
  expect(data.verdict).toBe('unsafe');
  const broken = data.findings.filter(({ outcome }) => outcome === 'broken').map(({ check }) => check);
  expect(broken).toEqual(['create', 'swap', 'swap of nothing', 'racing creates', 'racing swaps']);
  expect(used.code).toBe(78);
  expect(used.stderr).toContain('ignores conditions');
});

describe('the SDK of AWS', () => {
  let store: BucketStore;
  const signers = new Set<string | undefined>();
  beforeAll(async () => {
    store = await startBucketStore({
      fault: ({ accessKeyId }) => {
        signers.add(accessKeyId);
        return undefined;
      },
    });
  });
  afterAll(() => store.close());

  test('a client of the caller is taken: its endpoint, region and credentials', async () => {
    app.write(
      'client.mjs',
      `import { S3Client } from '@aws-sdk/client-s3';
       import { acquire, createLock } from 'holdfast';
       const credentials = { accessKeyId: 'CLIENTKEY', secretAccessKey: 'planted-secret' };
       const client = new S3Client({ endpoint: '${store.endpoint}', region: 'eu-west-1', credentials });
       const guard = await acquire(createLock('s3://bucket/locks#client', { client }), { leaseDurationMs: 1_000 });
       await new Promise((resolve) => setTimeout(resolve, 1_500));
       guard.assertHeld();
       await guard.release();
       console.log('held');`,
    );
    signers.clear();
    const { stdout, stderr } = await app.node('client.mjs');
    expect(stdout, stderr).toBe('held\n');
    expect([...signers]).toEqual(['CLIENTKEY']);
    expect(store.text('bucket/locks/client')).toContain('"state":"free"');
    expect(store.text('bucket/locks/client')).not.toContain('planted-secret');
  });

  const CHAINS: Readonly<Record<string, (identity: string) => Readonly<Record<string, string>>>> = {
    container: (identity) => ({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${identity}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'planted-token',
    }),
    instance: (identity) => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: identity }),
    'web identity': (identity) => ({
      AWS_WEB_IDENTITY_TOKEN_FILE: join(app.directory, 'home/token'),
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/ci',
      AWS_ENDPOINT_URL_STS: `${identity}/sts`,
    }),
    process: () => ({ AWS_PROFILE: 'process' }),
    sso: (identity) => ({ AWS_PROFILE: 'sso', AWS_ENDPOINT_URL_SSO: `${identity}/sso` }),
  };

  test.each(Object.keys(CHAINS))('credentials by %s', async (chain) => {
    const server = createServer(identify).listen(0, '127.0.0.1');
    await once(server, 'listening');
    writeHome();
    const identity = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = {
      HOME: join(app.directory, 'home'),
      XDG_STATE_HOME: join(app.directory, 'state'),
      AWS_REGION: 'us-east-1',
      ...CHAINS[chain]?.(identity),
    };
    signers.clear();
    const words = [
      'run',
      '--lease',
      '12s',
      `s3://bucket/locks?endpoint=${store.endpoint}#chain`,
      '--',
      'sleep',
      '5',
    ];
    const { code, stdout, stderr } = await app.runWith(env, process.execPath, HOLDFAST, ...words);
    await end(server);
    expect(code, stderr).toBe(0);
    expect([...signers]).toEqual(['CHAINKEY']);
    for (const text of [stdout, stderr, store.text('bucket/locks/chain')])
      expect(text).not.toMatch(/planted|CHAINKEY/);
  });

  test('a chain that ends nowhere is 69, and names the next step without a secret', async () => {
    writeHome();
    const env = {
      HOME: join(app.directory, 'home'),
      AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:1/container',
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'planted-token',
    };
    const words = ['run', `s3://bucket/locks?endpoint=${store.endpoint}#chain`, '--', 'true'];
    const { code, stderr } = await app.runWith(env, process.execPath, HOLDFAST, ...words);
    expect(code).toBe(69);
    expect(stderr).toContain('no credentials were found');
    expect(stderr).not.toContain('planted');
  });
});

/** What AWS keeps in a home, and what its command line writes there after a login. */
function writeHome(): void {
  app.write('home/token', 'planted-web-token');
  app.write(
    'home/.aws/config',
    `[profile process]
credential_process = cat ${join(app.directory, 'home/process.json')}
[profile sso]
sso_session = work
sso_account_id = 123456789012
sso_role_name = ci
[sso-session work]
sso_region = us-east-1
sso_start_url = https://example.awsapps.com/start
`,
  );
  app.write('home/process.json', JSON.stringify({ Version: 1, ...keys('SecretAccessKey', 'SessionToken') }));
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  // The name is the SHA-1 of the session's.
  app.write(
    'home/.aws/sso/cache/e274eeff768c6396088ec6eb091f4bf4d47ab1e0.json',
    JSON.stringify({ accessToken: 'planted-sso-token', expiresAt }),
  );
}

function keys(secret: string, token: string): Record<string, string> {
  const Expiration = new Date(Date.now() + 3_600_000).toISOString();
  return { AccessKeyId: 'CHAINKEY', [secret]: 'planted-secret', [token]: 'planted-session', Expiration };
}

/** Local stand-ins for what gives out identities: a container's endpoint, an instance's metadata, STS, SSO. */
function identify({ method, url = '', headers }: IncomingMessage, response: ServerResponse): void {
  const answer = (text: string): void => void response.end(text);
  if (url.startsWith('/container')) {
    if (headers.authorization !== 'planted-token') response.statusCode = 401;
    return answer(JSON.stringify(keys('SecretAccessKey', 'Token')));
  }
  if (url === '/latest/api/token' && method === 'PUT') return answer('planted-imds-token');
  if (url === '/latest/meta-data/iam/security-credentials/') return answer('role');
  if (url.startsWith('/latest/meta-data/iam/')) {
    return answer(JSON.stringify({ Code: 'Success', Type: 'AWS-HMAC', ...keys('SecretAccessKey', 'Token') }));
  }
  if (url.startsWith('/sts')) {
    response.setHeader('content-type', 'text/xml');
    const given = Object.entries(keys('SecretAccessKey', 'SessionToken'));
    const credentials = given.map(([name, value]) => `<${name}>${value}</${name}>`).join('');
    return answer(
      `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>${credentials}</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    );
  }
  if (url.startsWith('/sso')) {
    response.setHeader('content-type', 'application/json');
    const roleCredentials = {
      accessKeyId: 'CHAINKEY',
      secretAccessKey: 'planted-secret',
      sessionToken: 'planted-session',
      expiration: Date.now() + 3_600_000,
    };
    return answer(JSON.stringify({ roleCredentials }));
  }
  response.statusCode = 404;
  answer('');
}

async function end(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
