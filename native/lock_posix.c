/* flock(2), the gate, the identity check and the record. Linux and macOS. */
#include "lock.h"
#include "own.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <sys/vfs.h>
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

/* EINTR means a signal: ours, when the interrupt is due, or somebody else's, which changes nothing. */
static bool is_to_retry(interrupt *stop) {
  return errno == EINTR && (stop == NULL || !interrupt_is_due(stop));
}

static int failure(void) { return errno == EINTR ? -ECANCELED : -errno; }

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

static bool is_same_file(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* A second descriptor of what `fd` is, while the path still names it. It never blocks; -1 where it may not be had. */
static int open_again(int fd, const char *path, int access) {
  struct stat first, second;
  int again = open(path, access | OPEN_ALWAYS_FLAGS | O_NONBLOCK);
  if (again < 0) return -1;
  if (kernel_fstat(fd, &first) == 0 && kernel_fstat(again, &second) == 0 && is_same_file(&first, &second)) return again;
  close(again);
  return -1;
}

/*
 * Paths whose record this process has written, by a hash. They are opened for writing at once; a file that may be
 * another's program, image layer or watched file is opened for reading only. A collision costs an open, nothing else.
 */
enum { KNOWN_PATHS = 256 };
static _Atomic uint64_t known_paths[KNOWN_PATHS];

static uint64_t hash_path(const char *path) {
  uint64_t hash = 14695981039346656037u; /* FNV-1a */
  for (; *path != '\0'; path++) hash = (hash ^ (unsigned char)*path) * 1099511628211u;
  return hash | 1;
}

static bool is_known_ours(uint64_t hash) {
  return atomic_load_explicit(&known_paths[hash % KNOWN_PATHS], memory_order_relaxed) == hash;
}

static void set_known_ours(uint64_t hash, bool is_ours) {
  if (is_known_ours(hash) == is_ours) return;
  atomic_store_explicit(&known_paths[hash % KNOWN_PATHS], is_ours ? hash : 0, memory_order_relaxed);
}

static bool has_own_name(const lock_request *request) {
  return (request->flags >> LOCK_OWN_SHIFT & LOCK_OWN_MASK) > 0;
}

static bool has_record(const lock_request *request) {
  return request->record != NULL && !(request->flags & LOCK_SHARED);
}

static int open_path(const lock_request *request, int access, interrupt *stop) {
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

static int flock_file(int fd, int operation, interrupt *stop) {
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
 * behind a waiting writer, and so does a polite one, who has just had the lock. Nobody waits for the gate with the lock in hand, so there is no cycle.
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
 * a writer on SMB that holds the one would wait for itself to give back the other.
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
  return may_be_started ? -1 : open_again(fd, path, O_RDWR);
}

static int take_lock(int fd, const char *path, int flags, interrupt *stop) {
  int result;
  /* A try only asks about the gate, which is right there too. */
  if (flags & LOCK_GATE && stop != NULL && is_flock_a_range(fd)) flags &= ~(LOCK_GATE | LOCK_POLITE);
  if (flags & LOCK_SHARED) {
    if (flags & LOCK_GATE) {
      result = gate(fd, stop == NULL ? F_OFD_GETLK : F_OFD_SETLKW, F_RDLCK, stop);
      if (result < 0) return result;
      if (stop != NULL) gate(fd, F_OFD_SETLK, F_UNLCK, NULL);
    }
    return flock_file(fd, LOCK_SH, stop);
  }
  if (!(flags & LOCK_GATE)) return flock_file(fd, LOCK_EX, stop);
  if (stop == NULL) {
    if (flags & LOCK_POLITE) result = gate(fd, F_OFD_GETLK, F_WRLCK, NULL);
    else result = 0;
    return result < 0 ? result : flock_file(fd, LOCK_EX, NULL);
  }
  if (!(flags & LOCK_POLITE)) {
    result = flock_file(fd, LOCK_EX, NULL);
    if (result != -EWOULDBLOCK) return result;
  }
  int own = open_gate(fd, path);
  result = gate(own < 0 ? fd : own, F_OFD_SETLKW, F_WRLCK, stop);
  if (result == 0) result = flock_file(fd, LOCK_EX, stop);
  if (own >= 0) close(own);
  else gate(fd, F_OFD_SETLK, F_UNLCK, NULL);
  return result;
}
#else
/* macOS keeps flock and fcntl locks in one table: a gate in the same file would be the lock itself. */
static int take_lock(int fd, const char *path, int flags, interrupt *stop) {
  (void)path;
  return flock_file(fd, flags & LOCK_SHARED ? LOCK_SH : LOCK_EX, stop);
}
#endif

/* Digits, then the magic. A negative length is a failed read. */
static bool is_our_record(const char *bytes, ssize_t length) {
  static const char magic[] = " holdfast/";
  const ssize_t magic_length = sizeof magic - 1;
  ssize_t digits = 0;
  while (digits < length && bytes[digits] >= '0' && bytes[digits] <= '9') digits++;
  return digits > 0 && length - digits >= magic_length && memcmp(bytes + digits, magic, magic_length) == 0;
}

/* Files under /proc say that they are empty; only reading tells. */
static bool is_ours(int fd, const struct stat *status) {
  char head[32];
  if (!S_ISREG(status->st_mode)) return false;
  ssize_t length = pread(fd, head, sizeof head, 0);
  return (length == 0 && status->st_size == 0) || is_our_record(head, length);
}

/* Only with the exclusive lock in hand, and into a file that is ours. `status` is of after the grant. */
static void write_record(int fd, const lock_request *request, const struct stat *status) {
  ssize_t written = pwrite(fd, request->record, request->record_length, 0);
  if (written < 0 && errno == EBADF) return;
  /* Half a record (disk full) might not begin with the magic and would never be overwritten again. */
  bool is_whole = written == (ssize_t)request->record_length;
  off_t size = is_whole ? written : 0;
  if (!is_whole || status->st_size > size) (void)!ftruncate(fd, size);
}

/* A file that was unlinked or replaced while we waited is not what the next contender opens. */
static bool is_still_named(const char *path, const struct stat *status) {
  struct stat named;
  if (status->st_nlink == 0 || kernel_stat(path, &named) < 0) return false;
  return is_same_file(&named, status);
}

/* False when the file was opened for writing, as one that had been ours, and is another's now. */
static bool keep_record(int fd, const lock_request *request, const struct stat *status, uint64_t hash) {
  bool is_own = is_ours(fd, status);
  bool is_writable = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
  if (has_own_name(request)) {
    if (is_own) write_record(fd, request, status);
    return true;
  }
  set_known_ours(hash, is_own);
  if (!is_own) return !is_writable || !S_ISREG(status->st_mode);
  int writable = is_writable ? fd : open_again(fd, request->path, O_WRONLY);
  if (writable < 0) return true;
  write_record(writable, request, status);
  if (writable != fd) close(writable);
  return true;
}

/* NFS makes of a lock one that wants the file open for writing; flock(1) does the same. */
static bool wants_writing(int result, int access) {
  return (result == -EBADF || result == -EIO) && access == O_RDONLY;
}

static int acquire_once(const lock_request *request, interrupt *stop, lock_file *granted, bool *is_current) {
  struct stat status;
  uint64_t hash = has_record(request) ? hash_path(request->path) : 0;
  int access = hash != 0 && is_known_ours(hash) ? O_RDWR : O_RDONLY;
  int fd = open_path(request, access, stop);
  if (fd < 0) return failure();
  int result = take_lock(fd, request->path, request->flags, stop);
  bool is_forced = wants_writing(result, access);
  if (is_forced) {
    close(fd);
    fd = open_path(request, O_RDWR, stop);
    if (fd < 0) return failure();
    result = take_lock(fd, request->path, request->flags, stop);
  }
  if (result == 0 && kernel_fstat(fd, &status) < 0) result = -errno;
  *is_current = result == 0 && is_still_named(request->path, &status);
  if (!*is_current) {
    close(fd);
    return result;
  }
  /* O_NONBLOCK means nothing to a regular file or a directory; others inherit it with the descriptor. */
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  if (has_record(request) && !keep_record(fd, request, &status, hash) && !is_forced) {
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
  if (stop == NULL) return flock_file(fd, operation, NULL);
  /* The lock is of the open file description. Our own number for it outlives a close of the caller's, whose
     number may by then name another file. */
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (own < 0) return -errno;
  int result = flock_file(own, operation, stop);
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

void lock_release(lock_file *file) {
  flock(file->descriptor, LOCK_UN);
  close(file->descriptor);
}

void lock_abandon(lock_file *file) { close(file->descriptor); }

int lock_number(const lock_file *file) { return file->descriptor; }
