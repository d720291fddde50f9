/* A durable replacement of a file's content, as a platform offers it. Nothing here knows about Node. */
#ifndef HOLDFAST_DURABLE_H
#define HOLDFAST_DURABLE_H

#include "lock.h"

/* Where a write ended; src/platform/native-contract.ts says the same. */
enum {
  DURABLE_OPEN_DIRECTORY = 1,
  DURABLE_CREATE,
  DURABLE_LOCK,
  DURABLE_WRITE,
  DURABLE_SYNC,
  DURABLE_RENAME,
  DURABLE_SYNC_DIRECTORY
};

typedef struct {
  const char *directory, *name, *temp; /* name and temp are names in the directory */
  const void *data;
  size_t length;
  int mode; /* -1: the target's, or 0600 */
  int step;
  lock_descriptor directory_fd, temp_fd;
  bool has_temp; /* the temp's name still exists and is ours to remove */
} durable_write;

void durable_initialise(durable_write *self);
/* Temp created, locked, written, checked and synced. After a failure nothing is left. */
int durable_prepare(durable_write *self);
/* Rename and sync of the directory. The temp is locked until the rename is done. */
int durable_commit(durable_write *self);
/* Sync of the directory, for a rename that the caller has made. */
int durable_finish(durable_write *self);
/* Closes everything and removes a temp that was not renamed. Allowed at any time, any number of times. */
void durable_close(durable_write *self);

#endif
