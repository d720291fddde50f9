import { whyUnfit } from '../locks/file-choice.js';
import type { Greeting } from './party.js';

/** What is known of a file system by its name, whatever a trial would show. */
export interface KnownFlaw {
  readonly backend: 'flock' | 'lease';
  readonly reason: string;
}

/** FUSE servers that leave flock to the kernel of each host. docs/reference/file-systems.md has them too. */
const LOCAL_FLOCK = new Set([
  'fuse.sshfs',
  'fuse.smbnetfs',
  'fuse.rclone',
  'fuse.s3fs',
  'fuse.gcsfuse',
  'fuse.goofys',
  'fuse.curlftpfs',
  'fuse.davfs',
  'fuse.gvfsd-fuse',
]);

export function knownFlaws({ mountType = '', mountOptions }: Greeting): readonly KnownFlaw[] {
  const has = (option: string): boolean => mountOptions.includes(option);
  if (/^nfs4?$/.test(mountType)) {
    const option = ['nolock', 'local_lock=all', 'local_lock=flock'].find(has);
    if (option !== undefined) {
      return [{ backend: 'flock', reason: `NFS mounted with ${option}: locks do not reach the server` }];
    }
  }
  if (/^(?:cifs|smb3)$/.test(mountType)) {
    const reason = has('nobrl')
      ? 'SMB mounted with nobrl: locks do not reach the server'
      : 'SMB: the client of Linux was seen to let processes of two hosts have it at once';
    return [{ backend: 'flock', reason }];
  }
  const flaws: KnownFlaw[] = [];
  if (LOCAL_FLOCK.has(mountType)) {
    flaws.push({ backend: 'flock', reason: `${mountType.slice(5)} leaves flock to each host's own kernel` });
  }
  const unfit = whyUnfit(mountType);
  if (unfit !== undefined) flaws.push({ backend: 'lease', reason: unfit });
  return flaws;
}
