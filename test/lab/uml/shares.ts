import type { Machine } from './machine.js';

/** Where the share is on the server, and on every client. */
export const EXPORTED = '/run/export';
export const MOUNTED = '/run/share';

/** What the file servers and mount(8) want to write to on a tree that is read-only. */
const WRITABLE = `
  mkdir -p ${EXPORTED} /run/var-nfs/{sm,sm.bak,v4recovery,rpc_pipefs,nfsdcltrack}
  touch /run/var-nfs/{etab,rmtab,xtab,state} /run/exports
  mount --bind /run/var-nfs /var/lib/nfs
  mount --bind /run/exports /etc/exports
  mount -t tmpfs -o size=200m share ${EXPORTED}
  chmod 777 ${EXPORTED}`;

/** Times that a test can wait for: a grace period and a lease of 10 s are the least that nfsd accepts. */
const QUICK = 'echo 10 >/proc/fs/nfsd/nfsv4leasetime; echo 10 >/proc/fs/nfsd/nfsv4gracetime';

export async function serveNfs(server: Machine): Promise<void> {
  await server.run(`set -e
    ${WRITABLE}
    modprobe -d /run/modules lockd nlm_grace_period=3 nlm_timeout=3
    modprobe -d /run/modules nfsd
    mount -t nfsd nfsd /proc/fs/nfsd
    rpcbind -w
    exportfs -o rw,no_root_squash,no_subtree_check,async,fsid=0 '*:${EXPORTED}'
    ${QUICK}
    rpc.mountd
    rpc.statd --no-notify
    rpc.nfsd 4
    echo Y >/proc/fs/nfsd/v4_end_grace`);
}

/** Whether it answers. Nobody reaps what it leaves there, so a list of processes does not tell. */
const PORTMAPPER = '(echo >/dev/tcp/127.0.0.1/111) 2>/dev/null';

/** As after a crash of its daemons: clients reclaim what they held. */
export async function restartNfs(server: Machine, downSeconds: number): Promise<void> {
  await server.run(`set -e
    rpc.nfsd 0
    sleep ${downSeconds}
    ${QUICK}
    rpc.nfsd 4`);
}

/**
 * Without statd the locks of NFS 3 are refused. mount.nfs would see to it that it runs, so the kernel is asked directly;
 * and a portmapper that knows no statd keeps each lock waiting for a minute, so that goes too.
 */
export async function mountNfs(
  client: Machine,
  server: Machine,
  options: string,
  { hasStatd = true }: { readonly hasStatd?: boolean } = {},
): Promise<void> {
  const isThree = options.includes('vers=3');
  const source = `${server.address}:${isThree ? EXPORTED : '/'}`;
  const mount = hasStatd
    ? `mount -t nfs -o ${options} ${source} ${MOUNTED}`
    : `mount -i -t nfs -o ${options},addr=${server.address},mountaddr=${server.address} ${source} ${MOUNTED}`;
  await client.run(`set -e
    mkdir -p ${MOUNTED} /run/var-nfs/{sm,sm.bak}
    modprobe -d /run/modules lockd nlm_grace_period=3 nlm_timeout=3
    modprobe -d /run/modules nfs
    ${PORTMAPPER} || rpcbind -w
    pkill -x rpc.statd || :
    if ${isThree && hasStatd}; then
      touch /run/var-nfs/state
      mountpoint -q /var/lib/nfs || mount --bind /run/var-nfs /var/lib/nfs
      rpc.statd --no-notify
    fi
    ${mount}
    ${hasStatd ? '' : `pkill -x rpcbind; while ${PORTMAPPER}; do sleep 0.05; done`}`);
}

export async function unmount(client: Machine): Promise<void> {
  // Forced, which a client in trouble may keep waiting; lazily, which it cannot.
  await client.run(`timeout 10 umount -f -l ${MOUNTED} || umount -l ${MOUNTED}`);
}

export async function serveSmb(server: Machine): Promise<void> {
  await server.run(`set -e
    mkdir -p /run/smb/{private,lock,state,cache,pid,ncalrpc} ${EXPORTED}
    grep -q ${EXPORTED} /proc/mounts || { mount -t tmpfs -o size=200m share ${EXPORTED}; chmod 777 ${EXPORTED}; }
    cat >/run/smb/smb.conf <<'CONF'
[global]
  server role = standalone server
  smb ports = 445
  private dir = /run/smb/private
  lock directory = /run/smb/lock
  state directory = /run/smb/state
  cache directory = /run/smb/cache
  pid directory = /run/smb/pid
  ncalrpc dir = /run/smb/ncalrpc
  log file = /run/smb/log
  map to guest = Bad User
  guest account = root
  disable netbios = yes
  load printers = no
  printing = bsd
  disable spoolss = yes
  server min protocol = SMB3_11
[share]
  path = ${EXPORTED}
  guest ok = yes
  read only = no
  force user = root
CONF
    setsid smbd -F --no-process-group -s /run/smb/smb.conf </dev/null >/run/smb/out 2>&1 &
    for i in $(seq 100); do (echo >/dev/tcp/127.0.0.1/445) 2>/dev/null && exit 0; sleep 0.1; done; cat /run/smb/out /run/smb/log; exit 1`);
}

export async function restartSmb(server: Machine, downSeconds: number): Promise<void> {
  await server.run(`set -e
    pkill -x smbd
    sleep ${downSeconds}
    setsid smbd -F --no-process-group -s /run/smb/smb.conf </dev/null >/run/smb/out 2>&1 &
    for i in $(seq 100); do (echo >/dev/tcp/127.0.0.1/445) 2>/dev/null && exit 0; sleep 0.1; done; exit 1`);
}

export async function mountSmb(client: Machine, server: Machine, options: string): Promise<void> {
  await client.run(`set -e
    mkdir -p ${MOUNTED}
    modprobe -d /run/modules cifs
    mount -t cifs -o guest,${options} //${server.address}/share ${MOUNTED}`);
}
