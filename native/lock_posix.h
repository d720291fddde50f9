/* What the parts of the POSIX lock share: the kernel's calls, the open, the lock with its gate, the record. */
#ifndef HOLDFAST_LOCK_POSIX_H
#define HOLDFAST_LOCK_POSIX_H

#include "lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
_Static_assert(sizeof(void *) == 8, "struct stat is the kernel's only on 64-bit Linux");
/* glibc before 2.33 exports neither stat nor fstat; the kernel's calls are the same everywhere. */
#define kernel_fstat(fd, into) ((int)syscall(SYS_fstat, fd, into))
#define kernel_stat(path, into) ((int)syscall(SYS_newfstatat, AT_FDCWD, path, into, 0))
#else
#define kernel_fstat(fd, into) fstat(fd, into)
#define kernel_stat(path, into) stat(path, into)
#endif

/* flock(2) binds the lock to the open file description: exec must not carry it on unasked. */
#define OPEN_ALWAYS_FLAGS (O_CLOEXEC | O_NOCTTY)

/* EINTR means a signal: ours, when the interrupt is due, or another's, which changes nothing. */
static inline bool is_to_retry(interrupt *stop) {
  return errno == EINTR && (stop == NULL || !interrupt_is_due(stop));
}

static inline int failure(void) { return errno == EINTR ? -ECANCELED : -errno; }

static inline bool is_same_file(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The descriptor of a request's path, above the standard ones. With `access` for writing it falls back to reading. */
int lock_open(const lock_request *request, int access, interrupt *stop);
/* A second descriptor of what `fd` is, while the path still names it. It never blocks; -1 where it may not be had. */
int lock_open_again(int fd, const char *path, int access);

/* flock(2) without the gate. */
int lock_flock(int fd, int operation, interrupt *stop);
/* The lock as a request's flags want it: through the gate, shared or not. */
int lock_take(int fd, const char *path, int flags, interrupt *stop);

/* Whether a grant of this request leaves a record. */
bool record_is_wanted(const lock_request *request);
/* How to open the path of a request with a record: for writing where this process knows that the file is ours. */
int record_access(const lock_request *request);
/* Writes the record, if the file is ours. False when it was opened for writing, as one that had been ours, and is another's now. */
bool record_keep(int fd, const lock_request *request, const struct stat *status);

#endif
