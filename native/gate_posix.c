/* flock(2) and the gate before it. Linux and macOS. */
#include "lock_posix.h"

#include <sys/file.h>
#ifdef __linux__
#include <sys/vfs.h>
#endif

int lock_flock(int fd, int operation, interrupt *stop) {
  int result;
  if (stop != NULL && interrupt_is_due(stop)) return -ECANCELED;
  do result = flock(fd, operation | (stop == NULL ? LOCK_NB : 0));
  while (result < 0 && is_to_retry(stop));
  /* The descriptor is open, so it is not the caller's rights: cifs says so when another host has the lock. */
  if (result < 0 && errno == EACCES) errno = EWOULDBLOCK;
  return result < 0 ? failure() : 0;
}

/*
 * The gate: an OFD lock on one byte far beyond any data, which on Linux knows nothing of flock. A writer that has
 * to wait holds it while it waits; a reader passes through it before it takes the lock. So new readers queue
 * behind a waiting writer, and so does a yielding one, which has just released the lock. No process waits for the gate while it holds the lock, so there is no cycle.
 */
/* macOS has these locks too, but in one table with flock. */
#if defined(__linux__) && defined(F_OFD_SETLKW)
#define GATE_BYTE ((off_t)1 << 62)

/* Without a gate (EINVAL and ENOSYS: the file system; EBADF: no descriptor for writing could be had) we do without. */
static int gate(int fd, int command, short type, interrupt *stop) {
  struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = GATE_BYTE, .l_len = 1};
  int result;
  if (stop != NULL && interrupt_is_due(stop)) return -ECANCELED;
  do result = fcntl(fd, command, &range);
  while (result < 0 && is_to_retry(stop));
  if (result < 0) return errno == EINTR ? -ECANCELED : 0;
  return command == F_OFD_GETLK && range.l_type != F_UNLCK ? -EWOULDBLOCK : 0;
}

/*
 * NFS, SMB and AFS turn flock into a byte-range lock of the whole file: there the gate's byte lies inside the lock, and
 * a writer on SMB that holds the one would wait for itself to release the other.
 */
static bool is_flock_a_range(int fd) {
  struct statfs system;
  if (fstatfs(fd, &system) < 0) return false;
  uint32_t magic = (uint32_t)system.f_type;
  return magic == 0x6969 || magic == 0xff534d42 || magic == 0xfe534d42 || magic == 0x517b || magic == 0x5346414f;
}

/*
 * A write lock wants a descriptor for writing, and the one that carries the lock may have none. An open one for writing
 * keeps a program from being started (ETXTBSY), so executable files have no gate: there readers may starve a writer.
 */
static int open_gate(int fd, const char *path) {
  struct stat status;
  if ((fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY || kernel_fstat(fd, &status) < 0) return -1;
  bool may_be_started = S_ISREG(status.st_mode) && (status.st_mode & 0111) != 0;
  return may_be_started ? -1 : lock_open_again(fd, path, O_RDWR);
}

int lock_take(int fd, const char *path, int flags, interrupt *stop) {
  int result;
  /* A try only asks about the gate, which is right there too. */
  if (flags & LOCK_GATE && stop != NULL && is_flock_a_range(fd)) flags &= ~(LOCK_GATE | LOCK_YIELD);
  if (flags & LOCK_SHARED) {
    if (flags & LOCK_GATE) {
      result = gate(fd, stop == NULL ? F_OFD_GETLK : F_OFD_SETLKW, F_RDLCK, stop);
      if (result < 0) return result;
      if (stop != NULL) gate(fd, F_OFD_SETLK, F_UNLCK, NULL);
    }
    return lock_flock(fd, LOCK_SH, stop);
  }
  if (!(flags & LOCK_GATE)) return lock_flock(fd, LOCK_EX, stop);
  if (stop == NULL) {
    if (flags & LOCK_YIELD) result = gate(fd, F_OFD_GETLK, F_WRLCK, NULL);
    else result = 0;
    return result < 0 ? result : lock_flock(fd, LOCK_EX, NULL);
  }
  if (!(flags & LOCK_YIELD)) {
    result = lock_flock(fd, LOCK_EX, NULL);
    if (result != -EWOULDBLOCK) return result;
  }
  int own = open_gate(fd, path);
  result = gate(own < 0 ? fd : own, F_OFD_SETLKW, F_WRLCK, stop);
  if (result == 0) result = lock_flock(fd, LOCK_EX, stop);
  if (own >= 0) close(own);
  else gate(fd, F_OFD_SETLK, F_UNLCK, NULL);
  return result;
}
#else
/* macOS keeps flock and fcntl locks in one table: a gate in the same file would be the lock itself. */
int lock_take(int fd, const char *path, int flags, interrupt *stop) {
  (void)path;
  return lock_flock(fd, flags & LOCK_SHARED ? LOCK_SH : LOCK_EX, stop);
}
#endif
