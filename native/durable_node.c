/*
 * One write is one job of libuv's pool: it is as bounded as Node's own file calls, which share that pool. (Waiting for
 * a lock is not bounded and has a thread of its own.)
 */
#define NAPI_VERSION 8
#include "durable_node.h"
#include "durable.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
  durable_write write;
  napi_async_work work;
  napi_ref data, done;
  bool is_committed; /* rename and sync of the directory are part of the job */
  bool is_finish;    /* the second job of a write that was only prepared */
  int result;
  char text[]; /* directory, name, temp */
} job;

static void job_free(napi_env env, job *self) {
  durable_close(&self->write);
  if (self->data != NULL) napi_delete_reference(env, self->data);
  if (self->done != NULL) napi_delete_reference(env, self->done);
  free(self);
}

/* The prepared write was neither finished nor discarded: its temp goes. */
static void finalise(napi_env env, void *data, void *hint) {
  (void)hint;
  job_free(env, data);
}

static void execute(napi_env env, void *data) {
  (void)env;
  job *self = data;
  if (self->is_finish) {
    self->result = durable_finish(&self->write);
    return;
  }
  self->result = durable_prepare(&self->write);
  if (self->result == 0 && self->is_committed) self->result = durable_commit(&self->write);
}

static void complete(napi_env env, napi_status status, void *data) {
  job *self = data;
  napi_value done, receiver = NULL, arguments[3];
  if (status != napi_ok) self->result = -ECANCELED;
  napi_delete_async_work(env, self->work);
  bool is_kept = self->result == 0 && !self->is_committed && !self->is_finish;
  bool is_owned = self->is_finish; /* by the external of its first job */
  bool can_call = napi_get_reference_value(env, self->done, &done) == napi_ok &&
                  napi_get_undefined(env, &receiver) == napi_ok &&
                  napi_create_int32(env, self->result, &arguments[0]) == napi_ok &&
                  napi_create_int32(env, self->write.step, &arguments[1]) == napi_ok;
  arguments[2] = receiver;
  napi_delete_reference(env, self->done);
  self->done = NULL;
  if (self->data != NULL) napi_delete_reference(env, self->data);
  self->data = NULL;
  if (is_kept && napi_create_external(env, self, finalise, NULL, &arguments[2]) == napi_ok) is_owned = true;
  if (!is_owned) job_free(env, self);
  if (can_call) napi_call_function(env, receiver, done, 3, arguments, NULL);
}

static int queue(napi_env env, job *self) {
  napi_value name;
  if (napi_create_string_utf8(env, "holdfast:durable", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_async_work(env, NULL, name, execute, complete, self, &self->work) != napi_ok) {
    return -ENOMEM;
  }
  if (napi_queue_async_work(env, self->work) == napi_ok) return 0;
  napi_delete_async_work(env, self->work);
  return -ENOMEM;
}

static napi_value number(napi_env env, int value) {
  napi_value result = NULL;
  napi_create_int32(env, value, &result);
  return result;
}

enum { TEXTS = 3 };

static job *job_create(napi_env env, const napi_value *texts) {
  size_t lengths[TEXTS], total = 0;
  for (int i = 0; i < TEXTS; i++) {
    if (napi_get_value_string_utf8(env, texts[i], NULL, 0, &lengths[i]) != napi_ok) return NULL;
    total += lengths[i] + 1;
  }
  job *self = calloc(1, sizeof *self + total);
  if (self == NULL) return NULL;
  durable_initialise(&self->write);
  const char **into[TEXTS] = {&self->write.directory, &self->write.name, &self->write.temp};
  char *next = self->text;
  for (int i = 0; i < TEXTS; i++) {
    napi_get_value_string_utf8(env, texts[i], next, lengths[i] + 1, NULL);
    *into[i] = next;
    next += lengths[i] + 1;
  }
  return self;
}

/* directory, name, temp, data, mode, isCommitted, done */
napi_value durable_node_write(napi_env env, napi_callback_info info) {
  napi_value values[7];
  size_t count = 7;
  napi_typedarray_type type;
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok) return NULL;
  job *self = job_create(env, values);
  if (self == NULL) return number(env, -ENOMEM);
  void *bytes = NULL;
  if (napi_get_typedarray_info(env, values[3], &type, &self->write.length, &bytes, NULL, NULL) != napi_ok ||
      type != napi_uint8_array || napi_get_value_int32(env, values[4], &self->write.mode) != napi_ok ||
      napi_get_value_bool(env, values[5], &self->is_committed) != napi_ok ||
      napi_create_reference(env, values[3], 1, &self->data) != napi_ok ||
      napi_create_reference(env, values[6], 1, &self->done) != napi_ok) {
    job_free(env, self);
    return number(env, -EINVAL);
  }
  self->write.data = bytes;
  int result = queue(env, self);
  if (result < 0) job_free(env, self);
  return number(env, result);
}

/* prepared, done */
napi_value durable_node_finish(napi_env env, napi_callback_info info) {
  napi_value values[2];
  size_t count = 2;
  job *self = NULL;
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok) return NULL;
  if (napi_get_value_external(env, values[0], (void **)&self) != napi_ok || self->done != NULL ||
      self->write.directory_fd < 0) {
    return number(env, -EINVAL);
  }
  /* The external must not be collected while the job runs: its finaliser would free the job. */
  if (napi_create_reference(env, values[0], 1, &self->data) != napi_ok ||
      napi_create_reference(env, values[1], 1, &self->done) != napi_ok) {
    return number(env, -ENOMEM);
  }
  self->is_finish = true;
  /* From here on the temp's name is the target. */
  self->write.has_temp = false;
  return number(env, queue(env, self));
}

/* prepared */
napi_value durable_node_discard(napi_env env, napi_callback_info info) {
  napi_value value;
  size_t count = 1;
  job *self = NULL;
  if (napi_get_cb_info(env, info, &count, &value, NULL, NULL) != napi_ok) return NULL;
  if (napi_get_value_external(env, value, (void **)&self) != napi_ok || self->done != NULL) return number(env, -EINVAL);
  durable_close(&self->write);
  return number(env, 0);
}
