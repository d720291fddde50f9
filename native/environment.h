/*
 * One environment: the main thread or a worker thread that loaded the addon. Holds and waits belong to it and end
 * with it. All functions are called on its own thread.
 */
#ifndef HOLDFAST_ENVIRONMENT_H
#define HOLDFAST_ENVIRONMENT_H

#include "lock.h"
#include <node_api.h>

typedef struct environment environment;

environment *environment_create(napi_env env);

/*
 * A handle is a generation, drawn from one counter for the whole process, and the number of a slot: a stale one
 * and one of another environment are refused alike. Takes over the file, also when it fails.
 */
int64_t hold_add(environment *self, lock_file *file, const char *path);
/* NULL for a stale handle. Valid until the next call. */
const lock_file *hold_find(environment *self, int64_t handle, const char **path);
/* This environment holds the lock of that file, by fstat(2). */
bool hold_is_of(const environment *self, uint64_t device, uint64_t inode);
/* Removes the hold; false for a stale handle. */
bool hold_remove(environment *self, int64_t handle, lock_file *file);

/* `fd` >= 0: waits on that descriptor instead of a path. The wait's id, or a negative errno. */
int64_t wait_start(environment *self, const lock_request *request, int fd, napi_value done);
void wait_cancel(environment *self, int64_t id);

#endif
