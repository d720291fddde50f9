import { fstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';

/**
 * The descriptors (3 and up) that the starter of this process meant for its children, and that Node would
 * withhold. Call it first thing in the entry, before a stream or file is opened: later on Node's own
 * descriptors cannot be distinguished.
 *
 * At start Node marks the descriptors it inherited close-on-exec, from 3 up to the first gap above 15. Those
 * beyond keep their flag and reach every child by themselves; they are not listed.
 */
export function inheritedDescriptors(env: NodeJS.ProcessEnv = process.env): readonly number[] {
  if (process.platform === 'win32') return [];
  const named = jobserverDescriptors(env);
  return process.platform === 'linux' ? listOnLinux(named) : listByType(named);
}

/**
 * Node opens event and signal descriptors (`anon_inode:*`) and pipes of which it has both ends. An inherited
 * pipe of which we have both ends is a jobserver's, which MAKEFLAGS names, or the parent has it too. What that
 * settles is settled before fdinfo is read: mostly there is nothing left to read, and `run` starts sooner.
 */
function listOnLinux(named: ReadonlySet<number>): number[] {
  // An IPC channel is for us alone.
  const channel = (process.channel as { readonly fd?: number } | undefined)?.fd;
  const open = [...linkTargets('self')].filter(
    ([fd, target]) => fd >= 3 && fd !== channel && !target.startsWith('anon_inode:'),
  );
  const counts = new Map<string, number>();
  for (const [, target] of open) counts.set(target, (counts.get(target) ?? 0) + 1);
  const isPaired = (target: string): boolean => target.startsWith('pipe:') && (counts.get(target) ?? 0) > 1;
  let parents: ReadonlySet<string> | undefined;
  const isOfParent = (target: string): boolean =>
    (parents ??= new Set(linkTargets(process.ppid).values())).has(target);
  return open
    .filter(([fd, target]) => !isPaired(target) || named.has(fd) || isOfParent(target))
    .map(([fd]) => fd)
    .filter(isCloseOnExec)
    .sort((a, b) => a - b);
}

function linkTargets(pid: number | 'self'): Map<number, string> {
  const targets = new Map<number, string>();
  try {
    for (const name of readdirSync(`/proc/${pid}/fd`)) {
      try {
        targets.set(Number(name), readlinkSync(`/proc/${pid}/fd/${name}`));
      } catch {
        // The descriptor of this very listing, or one closed meanwhile.
      }
    }
  } catch {
    // Not ours to look at, or no /proc.
  }
  return targets;
}

const O_CLOEXEC = 0o2000000;

function isCloseOnExec(fd: number): boolean {
  try {
    const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
    return (Number.parseInt(flags ?? '0', 8) & O_CLOEXEC) !== 0;
  } catch {
    return false;
  }
}

/** Without /proc only the kind is known: files and directories are never Node's own this early. */
function listByType(named: ReadonlySet<number>): number[] {
  let names: string[];
  try {
    names = readdirSync('/dev/fd');
  } catch {
    return [];
  }
  const isMeant = (fd: number): boolean => {
    try {
      const stat = fstatSync(fd);
      return stat.isFile() || stat.isDirectory() || named.has(fd);
    } catch {
      return false;
    }
  };
  return names
    .map(Number)
    .filter((fd) => fd >= 3 && isMeant(fd))
    .sort((a, b) => a - b);
}

/** GNU make up to 4.1 says `--jobserver-fds`; since 4.4 it may name a fifo, which needs no descriptor. */
function jobserverDescriptors(env: NodeJS.ProcessEnv): ReadonlySet<number> {
  const fds = new Set<number>();
  for (const flags of [env['MAKEFLAGS'], env['CARGO_MAKEFLAGS']]) {
    for (const [, read, write] of (flags ?? '').matchAll(/--jobserver-(?:auth|fds)=(\d+),(\d+)/g)) {
      fds.add(Number(read)).add(Number(write));
    }
  }
  return fds;
}
