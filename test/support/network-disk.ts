import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { whenFinished } from './finish.js';
import { testDirectory } from './directory.js';

/** A network file system, unmounted when the test ends: sshfs that talks to the server's program without ssh between. */
export function networkDisk(): string {
  const directory = testDirectory();
  const [shared, mounted, ssh] = ['shared', 'mounted', 'ssh'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(shared);
  mkdirSync(mounted);
  writeFileSync(ssh, '#!/bin/sh\nexec /usr/lib/openssh/sftp-server\n');
  chmodSync(ssh, 0o755);
  execFileSync('sshfs', ['-o', `ssh_command=${ssh}`, `host:${shared}`, mounted]);
  whenFinished(() => {
    execFileSync('umount', ['-l', mounted]);
  });
  return mounted;
}
