/**
 * What the C side offers: system calls, no policy. Every lock function returns a handle (> 0), or a negative
 * errno; `-EWOULDBLOCK` from a try is contention. A handle names a slot, never a descriptor, and a stale
 * handle is refused (-EBADF), so a late release cannot touch a descriptor number that was reused. A handle does
 * not recur within 2^33 acquisitions of a process, and only the environment (main thread, worker thread) that got it may use it;
 * when the environment ends its holds are unlocked and its waits cancelled.
 *
 * Paths should be absolute: `verify` resolves them again. A path that is too long is -ENAMETOOLONG, one with a NUL
 * -EINVAL, a record of more than 8191 bytes of UTF-8 -EMSGSIZE. On Windows -EBUSY stands for -ESTALE, and
 * what deals in descriptors is -ENOSYS.
 */
export interface NativeAddon extends AppendCalls, DurableCalls, JobCalls, SpawnCalls {
  /**
   * open + flock(LOCK_NB) + fstat against stat (dev, ino, nlink), reopening on mismatch (at most 100 times,
   * then -ESTALE). With `record`, and only for an exclusive hold of a regular file that is empty or begins
   * with digits and ` holdfast/`, writes it there afterwards; a record that cannot be written is no error.
   */
  tryLock(path: string, flags: number, createMode: number, record: string | undefined): number;
  /**
   * The same, blocking in a detached native thread; `done` gets the handle or a negative errno
   * (`-ECANCELED` after `cancelWait`), on the event loop, exactly once unless the environment ends first.
   * Returns a wait id (> 0), or a negative errno when no thread could be started (then `done` is not called).
   * A pending wait keeps the event loop alive.
   */
  waitLock(
    path: string,
    flags: number,
    createMode: number,
    record: string | undefined,
    done: (result: number) => void,
  ): number;
  /**
   * Wakes the wait's thread until it has acknowledged; usually that takes less than a millisecond. A grant that
   * won the race is released natively: once `done(-ECANCELED)` runs, no lock and no descriptor of the wait is left.
   * An unknown or finished id is ignored.
   */
  cancelWait(waitId: number): void;
  /**
   * The same as `tryLock`, blocking the calling thread for up to `timeoutMs` (Infinity allowed), then -ETIMEDOUT.
   * Nothing else ends it: `worker.terminate()` of a thread that blocks here waits for it.
   */
  lockBlocking(
    path: string,
    flags: number,
    createMode: number,
    record: string | undefined,
    timeoutMs: number,
  ): number;
  /** flock on a descriptor that the process inherited; -EWOULDBLOCK when contended. 0 when locked. */
  tryLockDescriptor(fd: number, flags: number): number;
  /** LOCK_UN: frees the lock for every process that has the open file. 0, or a negative errno. */
  unlockDescriptor(fd: number): number;
  /** The same, blocking in its own thread; `done(0)` or `done(-errno)`. Cancelled by `cancelWait`. */
  waitLockDescriptor(fd: number, flags: number, done: (result: number) => void): number;
  /** 1 while the path still names the locked inode, 0 when it was unlinked or replaced, or a negative errno. */
  verify(handle: number): number;
  /**
   * The hold goes on under another handle, without being unlocked, and with `record`; the old handle is stale from then
   * on. A negative errno leaves everything as it was: -ESTALE when the path names another file, or one that is ours no
   * more; -ENOSYS on Windows.
   */
  passOn(handle: number, flags: number, record: string | undefined): number;
  /** LOCK_UN, then close. 0, or -EBADF for a stale handle. */
  unlock(handle: number): number;
  /** Closes without LOCK_UN: the lock lives on in the children that inherited the descriptor. */
  abandon(handle: number): number;
  /** The descriptor, to be handed to `spawn` and to nothing else. */
  descriptor(handle: number): number;
  /**
   * Opens a file of ours with the open(2) flags `flags`, which create nothing; with O_DIRECTORY a directory. The last
   * `depth` components of the path are opened one by one, without links, and each must be of the right type and of a
   * trusted owner: `files/open-own` has the rule. `owner`: one more trusted user, -1 none, -2 all.
   * Returns the descriptor or a negative errno: -EPERM for what is not trusted. Absent on Windows.
   */
  openOwn?(path: string, depth: number, owner: number, flags: number): number;
  /**
   * What the owning group of a path may do by itself, 0 to 7; -1 without an access control list. With a list, the group
   * bits of a mode are its mask. Absent on Windows.
   */
  groupPermissions?(path: string): number;
  /** CLOCK_BOOTTIME (it counts suspend) in milliseconds with a fraction. */
  bootTimeMs(): number;
  /** Start time of a process as an opaque number that a reused pid does not share; undefined when there is none. */
  processStartTime(pid: number): number | undefined;
  /** Inode of this process's pid namespace; 0 where there is no such thing. */
  pidNamespace(): number;
  /** Text that changes with every boot. Undefined where it is not known, and on Linux, which has it in /proc. */
  bootId(): string | undefined;
  /** Pid, parent's pid and start time (0: unknown) of each process, one after the other. Undefined on Linux, as above. */
  processTable(): number[] | undefined;
  /** The path of the program that a process runs. Undefined on Linux, as above. */
  processProgram(pid: number): string | undefined;
  /** Whether only this machine reaches the file system of a path that exists. Undefined when not known, and on Linux. */
  isPathLocal(path: string): boolean | undefined;
  /** Whether a directory that exists keeps names apart that differ in case only. Undefined as above. */
  hasCase(path: string): boolean | undefined;
  /** Whether a hold of this environment is of the file that fstat(2) gives these numbers. Linux only. */
  holdsFile?(device: bigint, inode: bigint): boolean;
  /** The descriptors of a process whose link in /proc reads `path`. Linux only; empty where they may not be read. */
  descriptorsOf?(pid: number, path: string): number[];
  /**
   * Two names of one file system change places in one step (RENAME_EXCHANGE, RENAME_SWAP). 0, or a negative errno:
   * -ENOSYS or -EINVAL where the system or the file system cannot.
   */
  exchange?(a: string, b: string): number;
}

/** A job object of Windows, for this process and the descendants that it has from then on. Absent elsewhere. */
export interface JobCalls {
  /** From now on Windows ends every descendant when this process ends, however it ends. 0, or -EPERM where jobs do not nest. */
  enterJob?(): number;
  /** From now on they live on. */
  leaveJob?(): number;
  /** Pids of all descendants since `enterJob`, also of those whose parents have ended. */
  jobMembers?(): number[];
}

/** Absent but on Linux. */
export interface SpawnCalls {
  /**
   * Starts a program by execvp(3) with this process's own environment, without Node's texts in between: what is no UTF-8
   * stays as it is. `words` and `changes` are texts that a NUL ends each; a change is `NAME=value`, or `NAME` to remove it.
   * The child gets the standard streams and `descriptors` at their own numbers, default signal handling and an empty mask.
   * `done` gets its status as of wait(2) once it has ended; its pid is its own until then. Returns the pid, or a negative
   * errno, also that of the exec (then `done` is not called). A running child keeps the event loop alive.
   */
  spawn?(words: Buffer, changes: Buffer, descriptors: Int32Array, done: (status: number) => void): number;
}

/** Durable writes. Absent on Windows. */
export interface DurableCalls {
  /**
   * Off the event loop: creates `temp` in `directory` (O_EXCL), takes flock on it, writes `data`, checks its size,
   * gives it the rights of `name` (`mode` -1) or `mode`, syncs it; with `isCommitted` also renames it to `name` and
   * syncs the directory. `data` must not change meanwhile. `done` gets 0 or a negative errno, the step reached
   * (one of DURABLE_*), and without `isCommitted` the prepared write, whose temp stays locked. After a failure
   * before the rename nothing is left; -EAGAIN means that a sweep took the temp: try again with another name.
   * Returns a negative errno when the job could not be started (then `done` is not called).
   */
  writeDurable?(
    directory: string,
    name: string,
    temp: string,
    data: Uint8Array,
    mode: number,
    isCommitted: boolean,
    done: (result: number, step: number, prepared: PreparedWrite | undefined) => void,
  ): number;
  /** After the caller's rename of the temp: syncs the directory and closes. `done(0)` or `done(-errno)`. */
  finishDurable?(prepared: PreparedWrite, done: (result: number, step: number) => void): number;
  /** Removes the temp and closes. */
  discardDurable?(prepared: PreparedWrite): number;
}

/** Durable appends. Absent on Windows. */
export interface AppendCalls {
  /**
   * Off the event loop: opens `path` for appending, compares it with `state`, writes `data`, syncs it; with `isNew` also
   * syncs the directory. `state` is device, inode, size and time of the last change in nanoseconds, as fstat(2) has
   * them; it is filled in again for the file as it then is, or with zeros where that is not certain. `done` gets 0 or a
   * negative errno, the step reached (one of APPEND_*), and how many bytes of `data` are on disk, also after a failure.
   * -EAGAIN at APPEND_COMPARE: the file is in another state, and nothing was written.
   * `data` and `state` must not change meanwhile. Returns a negative errno when the job could not be started.
   */
  appendDurable?(
    directory: string,
    path: string,
    data: Uint8Array,
    state: BigUint64Array,
    isNew: boolean,
    done: (result: number, step: number, writtenBytes: number) => void,
  ): number;
}

declare const PREPARED: unique symbol;
/** Opaque. Collected without `finishDurable`, it removes its temp. */
export interface PreparedWrite {
  readonly [PREPARED]: true;
}

/** Bits of `flags`. */
export const LOCK_SHARED = 1;
/** Create the file (O_CREAT) when it does not exist; otherwise -ENOENT. */
export const LOCK_CREATE = 2;
/** Take part in the gate that keeps readers from starving writers. */
export const LOCK_GATE = 4;
/** Do not pass a writer that waits at the gate, not even when the lock is free at this moment. Only with LOCK_GATE. */
export const LOCK_YIELD = 8;

/** Where a durable write ended. */
export const DURABLE_OPEN_DIRECTORY = 1;
export const DURABLE_CREATE = 2;
export const DURABLE_LOCK = 3;
export const DURABLE_WRITE = 4;
export const DURABLE_SYNC = 5;
export const DURABLE_RENAME = 6;
export const DURABLE_SYNC_DIRECTORY = 7;

/** Where a durable append ended. */
export const APPEND_OPEN = 1;
export const APPEND_COMPARE = 2;
export const APPEND_WRITE = 3;
export const APPEND_SYNC = 4;
export const APPEND_SYNC_DIRECTORY = 5;

/** Lock the path also when it is a directory; otherwise that is -EISDIR. */
export const LOCK_DIRECTORY = 16;
/**
 * The last `depth` (1 to 7) components of the path have names of ours: it is opened as `openOwn` does, never created,
 * and `createMode` is one more trusted user, or -1. Not on Windows.
 */
export function lockOwn(depth: number): number {
  return depth << 5;
}
