import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { HOLDFAST } from '../../support/holdfast.js';
import type { Machine } from './machine.js';

/** Keys and configuration for ssh(1) between machines, which see this host's files. */
export interface RemoteShell {
  readonly directory: string;
  /** For `holdfast verify --rsh`. */
  readonly command: string;
  readonly configuration: string;
}

export function prepareSsh(): RemoteShell {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-ssh-'));
  for (const name of ['host', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, name)]);
  }
  const configuration = join(directory, 'config');
  const options = ['StrictHostKeyChecking no', 'UserKnownHostsFile /dev/null', 'LogLevel ERROR', 'User root'];
  writeFileSync(configuration, [...options, `IdentityFile ${join(directory, 'user')}`, ''].join('\n'));
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'holdfast'), `#!/bin/sh\nexec '${process.execPath}' '${HOLDFAST}' "$@"\n`);
  chmodSync(join(bin, 'holdfast'), 0o755);
  return { directory, configuration, command: `ssh -F ${configuration}` };
}

/** A script that starts sshd at `address`; its files go to `state`. */
export function sshdScript({ directory }: RemoteShell, address: string, port: number, state: string): string {
  return `set -e
    mkdir -p ${state} /run/sshd
    cp ${directory}/host ${directory}/user.pub ${state}/
    chmod 600 ${state}/*
    cat >${state}/sshd_config <<CONF
ListenAddress ${address}:${port}
HostKey ${state}/host
AuthorizedKeysFile ${state}/user.pub
PidFile ${state}/sshd.pid
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
SetEnv PATH=${directory}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin
Subsystem sftp internal-sftp
CONF
    /usr/sbin/sshd -f ${state}/sshd_config </dev/null >${state}/log 2>&1`;
}

export async function serveSsh(machine: Machine, shell: RemoteShell): Promise<void> {
  await machine.run(sshdScript(shell, machine.address, 22, '/run/ssh'));
}
