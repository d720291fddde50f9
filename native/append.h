/* A durable append to a file whose end is known, as a platform offers it. Nothing here knows about Node. */
#ifndef HOLDFAST_APPEND_H
#define HOLDFAST_APPEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where an append ended; src/platform/native-contract.ts says the same. */
enum { APPEND_OPEN = 1, APPEND_COMPARE, APPEND_WRITE, APPEND_SYNC, APPEND_SYNC_DIRECTORY };

/* What distinguishes a file, and its content from that of another time, by fstat(2). */
typedef struct {
  uint64_t device, inode, size, changed_ns;
} append_state;

typedef struct {
  const char *directory, *path;
  const void *data;
  size_t length;
  bool is_new;        /* the name has to be synced as well */
  append_state state; /* as the caller knows the file; after a whole append, as it is now. All zero: unknown */
  size_t written;     /* bytes of `data` that are on disk, also after a failure */
  int step;
} durable_append;

/* 0 or a negative errno; -EAGAIN at APPEND_COMPARE: the file is not in the given state, and nothing was written. */
int append_run(durable_append *self);

#endif
