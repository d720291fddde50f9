/* Opening what is to be locked. Linux and macOS. */
#include "lock_posix.h"
#include "own.h"

static int open_once(const char *path, int flags, int mode, interrupt *stop) {
  int fd;
  /* O_NONBLOCK: a FIFO or a line without carrier must not hang us, nor a lease (fcntl(2), F_SETLEASE) a try. */
  do fd = open(path, flags | OPEN_ALWAYS_FLAGS | O_NONBLOCK, mode);
  while (fd < 0 && is_to_retry(stop));
  if (fd >= 0 || errno != EWOULDBLOCK || stop == NULL) return fd;
  do fd = open(path, flags | OPEN_ALWAYS_FLAGS, mode);
  while (fd < 0 && is_to_retry(stop));
  return fd;
}

static bool is_write_refused(int error) {
  return error == EACCES || error == EPERM || error == EROFS || error == ETXTBSY;
}

/* 0, 1 and 2 may be closed; a lock that took their place would be written to by the next printf. */
static int above_standard_descriptors(int fd) {
  if (fd < 0 || fd > 2) return fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  int error = errno;
  close(fd);
  errno = error;
  return moved;
}

static int open_own(const lock_request *request, int depth) {
  int64_t owner = request->create_mode == OWN_NONE ? OWN_NONE : (int64_t)(uint32_t)request->create_mode;
  own_path own = {.path = request->path, .depth = depth, .owner = owner};
  int fd = own_open(&own, O_RDWR);
  if (fd < 0 && is_write_refused(-fd)) fd = own_open(&own, O_RDONLY);
  if (fd >= 0) return fd;
  errno = -fd;
  return -1;
}

int lock_open_again(int fd, const char *path, int access) {
  struct stat first, second;
  int again = open(path, access | OPEN_ALWAYS_FLAGS | O_NONBLOCK);
  if (again < 0) return -1;
  if (kernel_fstat(fd, &first) == 0 && kernel_fstat(again, &second) == 0 && is_same_file(&first, &second)) return again;
  close(again);
  return -1;
}

int lock_open(const lock_request *request, int access, interrupt *stop) {
  int depth = request->flags >> LOCK_OWN_SHIFT & LOCK_OWN_MASK;
  if (depth > 0) return above_standard_descriptors(open_own(request, depth));
  int create = request->flags & LOCK_CREATE ? O_CREAT : 0;
  int fd = open_once(request->path, access | create, request->create_mode, stop);
  if (fd < 0 && errno == EISDIR && request->flags & LOCK_DIRECTORY) {
    fd = open_once(request->path, O_RDONLY | O_DIRECTORY, 0, stop);
  }
  struct stat status;
  /* For reading a directory opens like any file, unless it was to be created. */
  if (fd >= 0 && !create && !(request->flags & LOCK_DIRECTORY) && kernel_fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    close(fd);
    errno = EISDIR;
    return -1;
  }
  if (fd < 0 && is_write_refused(errno)) {
    int first = errno;
    /* fs.protected_regular refuses O_CREAT on a file that exists and that we may write. */
    if (create) fd = open_once(request->path, access, 0, stop);
    if (fd < 0 && access != O_RDONLY) fd = open_once(request->path, O_RDONLY, 0, stop);
    if (fd < 0 && errno == ENOENT) errno = first;
  }
  return above_standard_descriptors(fd);
}
