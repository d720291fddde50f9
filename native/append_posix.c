/*
 * open(O_APPEND), compare, write, fsync, close. The caller has the lock, so no other process that locks appends between the
 * comparison and the write; what others write there leaves a state that the next append does not recognise.
 */
#include "append.h"
#include "sync_posix.h"

#include <errno.h>

enum { CHUNK_BYTES = 1 << 30 };
static const append_state unknown;

#ifdef __APPLE__
#define changed_at(status) ((status).st_ctimespec)
#else
#define changed_at(status) ((status).st_ctim)
#endif

static int read_state(int fd, append_state *into) {
  struct stat status;
  if (status_of(fd, &status) < 0) return -errno;
  *into = (append_state){.device = (uint64_t)status.st_dev,
                         .inode = (uint64_t)status.st_ino,
                         .size = (uint64_t)status.st_size,
                         .changed_ns = (uint64_t)changed_at(status).tv_sec * 1000000000u +
                                       (uint64_t)changed_at(status).tv_nsec};
  return 0;
}

static bool is_same_state(const append_state *a, const append_state *b) {
  return a->device == b->device && a->inode == b->inode && a->size == b->size && a->changed_ns == b->changed_ns;
}

/* 0 or a negative errno; `done` counts what was written either way. A full disk takes a part and refuses the rest. */
static int write_all(int fd, const char *data, size_t length, size_t *done) {
  while (*done < length) {
    size_t left = length - *done;
    ssize_t written = write(fd, data + *done, left < CHUNK_BYTES ? left : CHUNK_BYTES);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? -errno : -EIO;
    *done += (size_t)written;
  }
  return 0;
}

static int append_to(durable_append *self, int fd) {
  append_state now, before = self->state;
  self->state = unknown;
  self->step = APPEND_COMPARE;
  int result = read_state(fd, &now);
  if (result < 0) return result;
  if (!is_same_state(&now, &before)) return -EAGAIN;
  size_t done = 0;
  self->step = APPEND_WRITE;
  result = write_all(fd, self->data, self->length, &done);
  /* What a full disk took is synced too: whole records in it are there for good. */
  bool is_synced = done == 0 || sync_file(fd) == 0;
  if (is_synced) self->written = done;
  if (result < 0) return result;
  self->step = APPEND_SYNC;
  if (!is_synced) return -errno;
  /* A program that does not ask for the lock may have written in between: then the end is not what the caller thinks. */
  if (read_state(fd, &now) == 0 && now.size == before.size + self->length) self->state = now;
  return 0;
}

int append_run(durable_append *self) {
  /* Opening it makes a client of NFS compare the names in it with the server (close-to-open, nfs(5)). */
  int directory = open(self->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  self->step = APPEND_OPEN;
  self->written = 0;
  int fd = open(self->path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  int result = fd < 0 ? -errno : append_to(self, fd);
  if (fd >= 0) close(fd);
  if (result == 0 && self->is_new) {
    self->step = APPEND_SYNC_DIRECTORY;
    if (directory < 0 || sync_file(directory) < 0) result = directory < 0 ? -EACCES : -errno;
  }
  if (directory >= 0) close(directory);
  return result;
}
