/* One append is one job of libuv's pool, as a durable write is (durable_node.c). */
#define NAPI_VERSION 8
#include "append_node.h"
#include "append.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DIRECTORY, PATH, DATA, STATE, IS_NEW, DONE, ARGUMENTS };
enum { TEXTS = 2, KEPT = 3 };

typedef struct {
  durable_append append;
  napi_async_work work;
  napi_ref kept[KEPT]; /* data, state, done: not to be collected while the job runs */
  int result;
  char text[]; /* directory, path */
} job;

static napi_value number(napi_env env, int value) {
  napi_value result = NULL;
  napi_create_int32(env, value, &result);
  return result;
}

static void job_free(napi_env env, job *self) {
  for (int i = 0; i < KEPT; i++) {
    if (self->kept[i] != NULL) napi_delete_reference(env, self->kept[i]);
  }
  free(self);
}

static void execute(napi_env env, void *data) {
  (void)env;
  job *self = data;
  self->result = append_run(&self->append);
}

/* `state` is an array of four 64-bit numbers. */
static uint64_t *numbers_of(napi_env env, napi_value state) {
  void *numbers = NULL;
  size_t length = 0;
  napi_typedarray_type type;
  if (napi_get_typedarray_info(env, state, &type, &length, &numbers, NULL, NULL) != napi_ok) return NULL;
  return type == napi_biguint64_array && length == 4 ? numbers : NULL;
}

static void complete(napi_env env, napi_status status, void *data) {
  job *self = data;
  napi_value receiver, state, done, arguments[3];
  if (status != napi_ok) self->result = -ECANCELED;
  napi_delete_async_work(env, self->work);
  bool can_call = napi_get_undefined(env, &receiver) == napi_ok &&
                  napi_get_reference_value(env, self->kept[1], &state) == napi_ok &&
                  napi_get_reference_value(env, self->kept[2], &done) == napi_ok &&
                  napi_create_int32(env, self->result, &arguments[0]) == napi_ok &&
                  napi_create_int32(env, self->append.step, &arguments[1]) == napi_ok &&
                  napi_create_int64(env, (int64_t)self->append.written, &arguments[2]) == napi_ok;
  if (can_call) {
    uint64_t *numbers = numbers_of(env, state);
    const append_state *now = &self->append.state;
    if (numbers != NULL) memcpy(numbers, (uint64_t[]){now->device, now->inode, now->size, now->changed_ns}, 32);
  }
  job_free(env, self);
  if (can_call) napi_call_function(env, receiver, done, 3, arguments, NULL);
}

static job *job_create(napi_env env, const napi_value *texts) {
  size_t lengths[TEXTS], total = 0;
  for (int i = 0; i < TEXTS; i++) {
    if (napi_get_value_string_utf8(env, texts[i], NULL, 0, &lengths[i]) != napi_ok) return NULL;
    total += lengths[i] + 1;
  }
  job *self = calloc(1, sizeof *self + total);
  if (self == NULL) return NULL;
  const char **into[TEXTS] = {&self->append.directory, &self->append.path};
  char *next = self->text;
  for (int i = 0; i < TEXTS; i++) {
    napi_get_value_string_utf8(env, texts[i], next, lengths[i] + 1, NULL);
    *into[i] = next;
    next += lengths[i] + 1;
  }
  return self;
}

static int start(napi_env env, job *self, const napi_value *values) {
  napi_typedarray_type type;
  void *bytes = NULL;
  napi_value name;
  const uint64_t *numbers = numbers_of(env, values[STATE]);
  if (numbers == NULL ||
      napi_get_typedarray_info(env, values[DATA], &type, &self->append.length, &bytes, NULL, NULL) != napi_ok ||
      type != napi_uint8_array || napi_get_value_bool(env, values[IS_NEW], &self->append.is_new) != napi_ok) {
    return -EINVAL;
  }
  self->append.data = bytes;
  self->append.state = (append_state){numbers[0], numbers[1], numbers[2], numbers[3]};
  const napi_value kept[KEPT] = {values[DATA], values[STATE], values[DONE]};
  for (int i = 0; i < KEPT; i++) {
    if (napi_create_reference(env, kept[i], 1, &self->kept[i]) != napi_ok) return -ENOMEM;
  }
  if (napi_create_string_utf8(env, "holdfast:append", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_async_work(env, NULL, name, execute, complete, self, &self->work) != napi_ok) {
    return -ENOMEM;
  }
  if (napi_queue_async_work(env, self->work) == napi_ok) return 0;
  napi_delete_async_work(env, self->work);
  return -ENOMEM;
}

napi_value append_node(napi_env env, napi_callback_info info) {
  napi_value values[ARGUMENTS];
  size_t count = ARGUMENTS;
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) != napi_ok) return NULL;
  job *self = job_create(env, values);
  if (self == NULL) return number(env, -ENOMEM);
  int result = start(env, self, values);
  if (result < 0) job_free(env, self);
  return number(env, result);
}
