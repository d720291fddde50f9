/* The record of a holder in the file that carries the lock, if that file is ours. Linux and macOS. */
#include "lock_posix.h"

#include <string.h>

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

bool record_is_wanted(const lock_request *request) {
  return request->record != NULL && !(request->flags & LOCK_SHARED);
}

int record_access(const lock_request *request) {
  return record_is_wanted(request) && is_known_ours(hash_path(request->path)) ? O_RDWR : O_RDONLY;
}

/* Digits, then the magic. A negative length is a failed read. */
static bool is_our_record(const char *bytes, ssize_t length) {
  static const char magic[] = " holdfast/";
  const ssize_t magic_length = sizeof magic - 1;
  ssize_t digits = 0;
  while (digits < length && bytes[digits] >= '0' && bytes[digits] <= '9') digits++;
  return digits > 0 && length - digits >= magic_length && memcmp(bytes + digits, magic, magic_length) == 0;
}

/* Files under /proc say that they are empty; only reading shows. */
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

bool record_keep(int fd, const lock_request *request, const struct stat *status) {
  bool is_own = is_ours(fd, status);
  bool is_writable = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
  if (has_own_name(request)) {
    if (is_own) write_record(fd, request, status);
    return true;
  }
  set_known_ours(hash_path(request->path), is_own);
  if (!is_own) return !is_writable || !S_ISREG(status->st_mode);
  int writable = is_writable ? fd : lock_open_again(fd, request->path, O_WRONLY);
  if (writable < 0) return true;
  write_record(writable, request, status);
  if (writable != fd) close(writable);
  return true;
}
