/*
 * The holds of one environment, by handle: a generation, drawn from one counter for the whole process, and the number
 * of a slot. A stale handle and one of another environment are refused alike.
 */
#ifndef HOLDFAST_HOLDS_H
#define HOLDFAST_HOLDS_H

#include "lock.h"

typedef struct hold_slot hold_slot;

typedef struct {
  hold_slot *slots;
  int slot_count, first_free;
} holds;

#define HOLDS_NONE ((holds){.first_free = -1})

/* Process-wide, and never 0. */
int64_t generation_next(void);

/* Takes over the file, also when it fails. */
int64_t hold_add(holds *self, lock_file *file, const char *path);
/* NULL for a stale handle. Valid until the next call. */
const lock_file *hold_find(holds *self, int64_t handle, const char **path);
/* This environment holds the lock of that file, by fstat(2). */
bool hold_is_of(const holds *self, uint64_t device, uint64_t inode);
/* Removes the hold; false for a stale handle. */
bool hold_remove(holds *self, int64_t handle, lock_file *file);
/*
 * The hold goes on under another handle, with the record of `request`, whose path is the hold's: the old handle is stale
 * from then on. A negative errno leaves all as it was: -ESTALE where the path names another file, or one that is ours no
 * more.
 */
int64_t hold_pass_on(holds *self, int64_t handle, const lock_request *request);
/* Ends all. */
void holds_close(holds *self);

#endif
