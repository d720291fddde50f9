import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, closeSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { AwsClient } from 'aws4fetch';

import { freePort, isListening, until } from '../support/ports.js';

const run = promisify(execFile);

export const RGW_KEYS = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'planted-secret' };

export interface Radosgw {
  readonly endpoint: string;
  /** Makes a bucket that {@link RGW_KEYS} own. */
  makeBucket(name: string, options?: { readonly isVersioned: boolean }): Promise<void>;
  close(): Promise<void>;
}

/**
 * Ceph as Debian has it (16.2.15: ceph-mon, ceph-mgr, ceph-osd, radosgw), on loopback: one monitor, one manager, one OSD
 * whose device is a sparse file of 4 GiB, and a gateway. Without cephx, which is not what is tested. Takes about 20 s.
 */
export async function startRadosgw(): Promise<Radosgw> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-radosgw-'));
  const [port, monitorPort, id] = [await freePort(), await freePort(), randomUUID()];
  const at = (name: string): string => join(directory, name);
  for (const name of ['mon', 'mgr', 'osd', 'rgw', 'run']) mkdirSync(at(name));
  writeFileSync(at('ceph.conf'), configuration(directory, id, { port, monitorPort }));
  const conf = ['-c', at('ceph.conf')];
  const daemons: ChildProcess[] = [];
  const daemon = (program: string, ...args: string[]): void => {
    const out = openSync(at(`${program}.out`), 'a');
    // Ends with the test process, however that ends.
    const words = ['--pdeathsig', 'KILL', program, ...conf, ...args, '-f'];
    daemons.push(spawn('setpriv', words, { stdio: ['ignore', out, out] }));
    closeSync(out);
  };
  const close = async (): Promise<void> => {
    for (const child of daemons.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const monitor = `[v2:127.0.0.1:${monitorPort}]`;
    await run('monmaptool', ['--create', '--fsid', id, '--addv', 'a', monitor, at('monmap')]);
    await run('ceph-mon', [...conf, '-i', 'a', '--mkfs', '--monmap', at('monmap')]);
    daemon('ceph-mon', '-i', 'a');
    daemon('ceph-mgr', '-i', 'x');
    const osd = randomUUID();
    await run('ceph', [...conf, 'osd', 'new', osd]);
    await run('ceph-osd', [...conf, '-i', '0', '--mkfs', '--osd-uuid', osd]);
    daemon('ceph-osd', '-i', '0');
    daemon('radosgw', '-n', 'client.rgw');
    await until('the gateway listens', () => isListening(port));
    const admin = [...conf, '-n', 'client.rgw', 'user', 'create', '--uid', 'test', '--display-name', 'test'];
    const keys = ['--access-key', RGW_KEYS.AWS_ACCESS_KEY_ID, '--secret-key', RGW_KEYS.AWS_SECRET_ACCESS_KEY];
    await run('radosgw-admin', [...admin, ...keys]);
  } catch (error) {
    await close();
    throw error;
  }
  const endpoint = `http://127.0.0.1:${port}`;
  return { endpoint, close, makeBucket: (name, options) => makeBucket(`${endpoint}/${name}`, options) };
}

async function makeBucket(url: string, { isVersioned } = { isVersioned: false }): Promise<void> {
  const client = new AwsClient({
    accessKeyId: RGW_KEYS.AWS_ACCESS_KEY_ID,
    secretAccessKey: RGW_KEYS.AWS_SECRET_ACCESS_KEY,
    service: 's3',
    region: 'us-east-1',
  });
  const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/';
  const versioning = `<VersioningConfiguration xmlns="${namespace}"><Status>Enabled</Status></VersioningConfiguration>`;
  const requests = [client.sign(url, { method: 'PUT' })];
  if (isVersioned) requests.push(client.sign(`${url}?versioning`, { method: 'PUT', body: versioning }));
  for (const request of requests) {
    const { status } = await fetch(await request);
    if (status !== 200) throw new Error(`${url}: ${status}`);
  }
}

function configuration(
  directory: string,
  id: string,
  { port, monitorPort }: { readonly port: number; readonly monitorPort: number },
): string {
  return `[global]
fsid = ${id}
mon initial members = a
mon host = v2:127.0.0.1:${monitorPort}
# Without cephx a client still wants a mode that needs no key.
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms bind msgr1 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
run dir = ${directory}/run
admin socket = ${directory}/run/$name.$pid.asok
log file = ${directory}/$name.log
mon cluster log file = ${directory}/cluster.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
mon allow pool size one = true
osd crush chooseleaf type = 0
osd objectstore = bluestore
bluestore block create = true
bluestore block size = 4294967296
bluestore cache size = 67108864
mon data avail crit = 1
mon data avail warn = 2
mgr initial modules =
mon data = ${directory}/mon
mgr data = ${directory}/mgr
osd data = ${directory}/osd
rgw data = ${directory}/rgw
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw thread pool size = 64
rgw run sync thread = false
`;
}
