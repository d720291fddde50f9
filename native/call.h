/* The arguments and the result of one call from JavaScript. */
#ifndef HOLDFAST_CALL_H
#define HOLDFAST_CALL_H

#include "environment.h"

enum { ARGUMENTS = 5 };

/* The arguments of one call, and the text that they were copied to. */
typedef struct {
  napi_env env;
  environment *environment;
  napi_value values[ARGUMENTS];
  char path[PATH_BYTES + 4]; /* a truncated copy still fills PATH_BYTES: UTF-8 is cut between characters */
  char record[RECORD_BYTES + 4];
} call;

static inline napi_value number(napi_env env, double value) {
  napi_value result = NULL;
  napi_create_double(env, value, &result);
  return result;
}

static inline bool read_call(napi_env env, napi_callback_info info, call *into) {
  size_t count = ARGUMENTS;
  into->env = env;
  return napi_get_cb_info(env, info, &count, into->values, NULL, (void **)&into->environment) == napi_ok;
}

static inline int read_text(napi_env env, napi_value value, char *into, size_t size, size_t *length) {
  if (napi_get_value_string_utf8(env, value, into, size + 4, length) != napi_ok) return -EINVAL;
  return *length >= size ? -ENAMETOOLONG : 0;
}

static inline int read_int(napi_env env, napi_value value) {
  int32_t result = 0;
  napi_get_value_int32(env, value, &result);
  return result;
}

static inline int64_t read_handle(const call *self) {
  int64_t result = 0;
  napi_get_value_int64(self->env, self->values[0], &result);
  return result;
}

static inline napi_value text(napi_env env, const char *value) {
  napi_value result = NULL;
  napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &result);
  return result;
}

#endif
