/* The lock on a path: open, lock, check the identity, write the record. Linux and macOS. */
#include "lock_posix.h"

#include <sys/file.h>

/* A file that was unlinked or replaced while we waited is not what the next contender opens. */
static bool is_still_named(const char *path, const struct stat *status) {
  struct stat named;
  if (status->st_nlink == 0 || kernel_stat(path, &named) < 0) return false;
  return is_same_file(&named, status);
}

/* NFS makes of a lock one that wants the file open for writing; flock(1) does the same. */
static bool wants_writing(int result, int access) {
  return (result == -EBADF || result == -EIO) && access == O_RDONLY;
}

static int acquire_once(const lock_request *request, interrupt *stop, lock_file *granted, bool *is_current) {
  struct stat status;
  int access = record_access(request);
  int fd = lock_open(request, access, stop);
  if (fd < 0) return failure();
  int result = lock_take(fd, request->path, request->flags, stop);
  bool is_forced = wants_writing(result, access);
  if (is_forced) {
    close(fd);
    fd = lock_open(request, O_RDWR, stop);
    if (fd < 0) return failure();
    result = lock_take(fd, request->path, request->flags, stop);
  }
  if (result == 0 && kernel_fstat(fd, &status) < 0) result = -errno;
  *is_current = result == 0 && is_still_named(request->path, &status);
  if (!*is_current) {
    close(fd);
    return result;
  }
  /* O_NONBLOCK means nothing to a regular file or a directory; others inherit it with the descriptor. */
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  if (record_is_wanted(request) && !record_keep(fd, request, &status) && !is_forced) {
    *is_current = false;
    close(fd);
    return 0;
  }
  *granted = (lock_file){.descriptor = fd, .device = status.st_dev, .inode = status.st_ino};
  return 0;
}

int lock_acquire(const lock_request *request, interrupt *stop, lock_file *granted) {
  for (int round = 0; round <= REOPEN_LIMIT; round++) {
    bool is_current = false;
    int result = acquire_once(request, stop, granted, &is_current);
    if (result < 0 || is_current) return result;
  }
  return -ESTALE;
}

int lock_acquire_descriptor(int fd, int flags, interrupt *stop) {
  int operation = flags & LOCK_SHARED ? LOCK_SH : LOCK_EX;
  if (stop == NULL) return lock_flock(fd, operation, NULL);
  /* The lock is of the open file description. Our own number for it outlives a close of the caller's, whose
     number may by then name another file. */
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (own < 0) return -errno;
  int result = lock_flock(own, operation, stop);
  close(own);
  return result;
}

int lock_release_descriptor(int fd) { return flock(fd, LOCK_UN) < 0 ? -errno : 0; }

/* The open descriptor keeps the inode number from being reused, so one stat decides. */
int lock_verify(const lock_file *file, const char *path) {
  struct stat named;
  if (kernel_stat(path, &named) < 0) return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
  return (uint64_t)named.st_dev == file->device && (uint64_t)named.st_ino == file->inode;
}

int lock_pass_on(const lock_file *file, const lock_request *request) {
  struct stat named;
  if (kernel_stat(request->path, &named) < 0) return -errno;
  if ((uint64_t)named.st_dev != file->device || (uint64_t)named.st_ino != file->inode) return -ESTALE;
  return !record_is_wanted(request) || record_keep(file->descriptor, request, &named) ? 0 : -ESTALE;
}

void lock_release(lock_file *file) {
  flock(file->descriptor, LOCK_UN);
  close(file->descriptor);
}

void lock_abandon(lock_file *file) { close(file->descriptor); }

int lock_number(const lock_file *file) { return file->descriptor; }
