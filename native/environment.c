#include "environment.h"

#include <stdlib.h>
#include <string.h>

/* A blocking acquisition in a thread of its own. `mutex` of the environment guards is_finished and stop. */
typedef struct pending {
  environment *owner;
  struct pending *previous, *next;
  int64_t id;
  interrupt stop;
  bool is_finished;  /* the thread has let go of this */
  bool is_cancelled; /* seen by the environment's thread only */
  napi_ref done;
  int fd;
  lock_request request;
  int result;
  lock_file file;
  char text[]; /* the path and the record */
} pending;

struct environment {
  napi_env env;
  napi_threadsafe_function deliver;
  atomic_int references; /* the threadsafe function's, and one for each waiting thread */
  mutex mutex;
  bool is_closed; /* guarded by mutex; from then on no thread may touch `deliver` */
  pending *waits;
  holds holds;
};

static void environment_release(environment *self) {
  if (atomic_fetch_sub(&self->references, 1) == 1) free(self);
}

static void wait_give_back(pending *self) {
  if (self->result != 0) return;
  if (self->fd >= 0) lock_release_descriptor(self->fd);
  else lock_release(&self->file);
}

static int wait_block(pending *self) {
  int result = interrupt_open(&self->stop);
  if (result == 0) {
    if (self->fd >= 0) result = lock_acquire_descriptor(self->fd, self->request.flags, &self->stop);
    else result = lock_acquire(&self->request, &self->stop, &self->file);
  }
  interrupt_close(&self->stop);
  return result;
}

/*
 * The environment may end at any moment. Its clean-up hook and this meet under the mutex: the second of the two
 * releases the grant and frees the wait, and the threadsafe function is called only while it exists.
 */
static void *run_wait(void *argument) {
  pending *self = argument;
  environment *owner = self->owner;
  self->result = wait_block(self);
  mutex_lock(&owner->mutex);
  /* Not left to the environment's thread, which may be busy for long. */
  if (atomic_load(&self->stop.requested)) {
    wait_give_back(self);
    self->result = -ECANCELED;
  }
  bool is_orphan = owner->is_closed;
  self->is_finished = true;
  if (!is_orphan) napi_call_threadsafe_function(owner->deliver, self, napi_tsfn_nonblocking);
  mutex_unlock(&owner->mutex);
  /* The thread just woken is often put behind this one, and would otherwise have to see the end of it first: 20 us. */
  thread_yield();
  if (is_orphan) free(self);
  environment_release(owner);
  return NULL;
}

static void wait_link(pending *self) {
  environment *owner = self->owner;
  self->next = owner->waits;
  if (self->next != NULL) self->next->previous = self;
  else napi_ref_threadsafe_function(owner->env, owner->deliver);
  owner->waits = self;
}

static void wait_unlink(pending *self) {
  environment *owner = self->owner;
  if (self->previous != NULL) self->previous->next = self->next;
  else owner->waits = self->next;
  if (self->next != NULL) self->next->previous = self->previous;
  if (owner->waits == NULL) napi_unref_threadsafe_function(owner->env, owner->deliver);
}

static pending *wait_create(environment *owner, const lock_request *request, int fd) {
  size_t path_size = request->path == NULL ? 0 : strlen(request->path) + 1;
  pending *self = calloc(1, sizeof *self + path_size + request->record_length);
  if (self == NULL) return NULL;
  self->owner = owner;
  self->fd = fd;
  self->request = *request;
  self->request.path = self->text;
  if (path_size > 0) memcpy(self->text, request->path, path_size);
  if (request->record != NULL) {
    memcpy(self->text + path_size, request->record, request->record_length);
    self->request.record = self->text + path_size;
  }
  return self;
}

int64_t wait_start(environment *owner, const lock_request *request, int fd, napi_value done) {
  pending *self = wait_create(owner, request, fd);
  if (self == NULL) return -ENOMEM;
  int result = interrupt_initialise(&self->stop, INT64_MAX);
  if (result == 0 && napi_create_reference(owner->env, done, 1, &self->done) != napi_ok) result = -EINVAL;
  if (result < 0) {
    interrupt_close(&self->stop);
    free(self);
    return result;
  }
  int64_t id = self->id = generation_next();
  atomic_fetch_add(&owner->references, 1);
  wait_link(self);
  result = thread_start(run_wait, self);
  if (result == 0) return id;
  atomic_fetch_sub(&owner->references, 1);
  interrupt_close(&self->stop);
  wait_unlink(self);
  napi_delete_reference(owner->env, self->done);
  free(self);
  return result;
}

void wait_cancel(environment *self, int64_t id) {
  pending *found = self->waits;
  while (found != NULL && found->id != id) found = found->next;
  if (found == NULL) return;
  found->is_cancelled = true;
  mutex_lock(&self->mutex);
  if (!found->is_finished) interrupt_request(&found->stop);
  mutex_unlock(&self->mutex);
}

/* On the environment's thread. `env` is NULL when the queue is thrown away; the clean-up hook has freed it all. */
static void deliver(napi_env env, napi_value unused, void *context, void *data) {
  (void)unused;
  environment *owner = context;
  pending *self = data;
  if (env == NULL || owner->is_closed) return;
  if (self->is_cancelled) {
    wait_give_back(self);
    self->result = -ECANCELED;
  }
  int64_t result = self->result;
  if (result == 0 && self->fd < 0) result = hold_add(&owner->holds, &self->file, self->request.path);
  napi_value done, receiver, argument;
  napi_get_reference_value(env, self->done, &done);
  napi_delete_reference(env, self->done);
  wait_unlink(self);
  free(self);
  napi_get_undefined(env, &receiver);
  napi_create_int64(env, result, &argument);
  napi_call_function(env, receiver, done, 1, &argument, NULL);
}

static void environment_finalise(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  environment_release(data);
}

/* Runs before the threadsafe function's own hook, because it was registered after it. */
static void environment_close(void *data) {
  environment *self = data;
  mutex_lock(&self->mutex);
  self->is_closed = true;
  while (self->waits != NULL) {
    pending *each = self->waits;
    self->waits = each->next;
    if (each->is_finished) {
      wait_give_back(each);
      free(each);
    } else {
      interrupt_request(&each->stop);
    }
  }
  mutex_unlock(&self->mutex);
  holds_close(&self->holds);
  napi_release_threadsafe_function(self->deliver, napi_tsfn_abort);
}

holds *environment_holds(environment *self) { return &self->holds; }

environment *environment_create(napi_env env) {
  environment *self = calloc(1, sizeof *self);
  if (self == NULL) return NULL;
  *self = (environment){.env = env, .references = 1, .mutex = MUTEX_INITIALIZER, .holds = HOLDS_NONE};
  napi_value name;
  if (napi_create_string_utf8(env, "holdfast", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, self, environment_finalise, self, deliver,
                                      &self->deliver) != napi_ok) {
    free(self);
    return NULL;
  }
  napi_unref_threadsafe_function(env, self->deliver);
  napi_add_env_cleanup_hook(env, environment_close, self);
  return self;
}
