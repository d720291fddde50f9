/*
 * One environment: the main thread or a worker thread that loaded the addon. Holds and waits belong to it and end
 * with it. All functions are called on its own thread.
 */
#ifndef HOLDFAST_ENVIRONMENT_H
#define HOLDFAST_ENVIRONMENT_H

#include "holds.h"
#include <node_api.h>

typedef struct environment environment;

environment *environment_create(napi_env env);

holds *environment_holds(environment *self);

/* `fd` >= 0: waits on that descriptor instead of a path. The wait's id, or a negative errno. */
int64_t wait_start(environment *self, const lock_request *request, int fd, napi_value done);
void wait_cancel(environment *self, int64_t id);

#endif
