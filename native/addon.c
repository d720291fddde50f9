/* Node-API glue: reads arguments, calls, returns a number. Nothing throws but a call with wrong types. */
#define NAPI_VERSION 8
#include "call.h"
#include "facts_node.h"
#ifdef _WIN32
#include "job_windows.h"
#else
#include "append_node.h"
#include "durable_node.h"
#ifdef __linux__
#include "spawn_node.h"
#endif
#endif

#include <string.h>

/* A request with nothing but the record, if there is one. */
static int read_record(call *self, napi_value value, lock_request *request) {
  napi_valuetype type;
  *request = (lock_request){.path = NULL};
  if (napi_typeof(self->env, value, &type) != napi_ok || type != napi_string) return 0;
  request->record = self->record;
  int result = read_text(self->env, value, self->record, RECORD_BYTES, &request->record_length);
  return result < 0 ? -EMSGSIZE : 0;
}

/* path, flags, createMode, record */
static int read_request(call *self, lock_request *request) {
  size_t length;
  int result = read_text(self->env, self->values[0], self->path, PATH_BYTES, &length);
  if (result < 0) return result;
  if (memchr(self->path, '\0', length) != NULL) return -EINVAL;
  result = read_record(self, self->values[3], request);
  request->path = self->path;
  request->flags = read_int(self->env, self->values[1]);
  request->create_mode = read_int(self->env, self->values[2]);
  return result;
}

static double acquire(call *self, interrupt *stop) {
  lock_request request;
  lock_file file;
  int result = read_request(self, &request);
  if (result == 0) result = lock_acquire(&request, stop, &file);
  return (double)(result == 0 ? hold_add(environment_holds(self->environment), &file, request.path) : result);
}

static napi_value try_lock(napi_env env, napi_callback_info info) {
  call self;
  if (!read_call(env, info, &self)) return NULL;
  return number(env, acquire(&self, NULL));
}

static double acquire_until(call *self, int64_t deadline_ns) {
  interrupt stop;
  double handle = interrupt_initialise(&stop, deadline_ns);
  if (handle == 0) handle = interrupt_open(&stop);
  if (handle == 0) handle = acquire(self, &stop);
  interrupt_close(&stop);
  return handle == -ECANCELED ? -ETIMEDOUT : handle;
}

/* Without contention the timer and its thread are not worth starting. */
static napi_value lock_blocking(napi_env env, napi_callback_info info) {
  call self;
  double timeout_ms = 0;
  if (!read_call(env, info, &self)) return NULL;
  napi_get_value_double(env, self.values[4], &timeout_ms);
  int64_t start = monotonic_ns();
  double handle = acquire(&self, NULL);
  if (handle != -EWOULDBLOCK) return number(env, handle);
  if (!(timeout_ms > 0)) return number(env, -ETIMEDOUT);
  /* 1e12 ms are 31 years; beyond, nanoseconds leave 64 bits. */
  bool is_endless = timeout_ms > 1e12;
  return number(env, acquire_until(&self, is_endless ? INT64_MAX : start + (int64_t)(timeout_ms * 1e6)));
}

static napi_value wait_lock(napi_env env, napi_callback_info info) {
  call self;
  lock_request request;
  if (!read_call(env, info, &self)) return NULL;
  int result = read_request(&self, &request);
  if (result < 0) return number(env, result);
  return number(env, (double)wait_start(self.environment, &request, -1, self.values[4]));
}

static napi_value cancel_wait(napi_env env, napi_callback_info info) {
  call self;
  if (read_call(env, info, &self)) wait_cancel(self.environment, read_handle(&self));
  return NULL;
}

static napi_value try_lock_descriptor(napi_env env, napi_callback_info info) {
  call self;
  if (!read_call(env, info, &self)) return NULL;
  int fd = read_int(env, self.values[0]);
  return number(env, lock_acquire_descriptor(fd, read_int(env, self.values[1]), NULL));
}

static napi_value unlock_descriptor(napi_env env, napi_callback_info info) {
  call self;
  if (!read_call(env, info, &self)) return NULL;
  return number(env, lock_release_descriptor(read_int(env, self.values[0])));
}

static napi_value wait_lock_descriptor(napi_env env, napi_callback_info info) {
  call self;
  if (!read_call(env, info, &self)) return NULL;
  int fd = read_int(env, self.values[0]);
  if (fd < 0) return number(env, -EBADF);
  lock_request request = {.flags = read_int(env, self.values[1])};
  return number(env, (double)wait_start(self.environment, &request, fd, self.values[2]));
}

static napi_value verify(napi_env env, napi_callback_info info) {
  call self;
  const char *path;
  if (!read_call(env, info, &self)) return NULL;
  const lock_file *file = hold_find(environment_holds(self.environment), read_handle(&self), &path);
  return number(env, file == NULL ? -EBADF : lock_verify(file, path));
}

static napi_value descriptor(napi_env env, napi_callback_info info) {
  call self;
  const char *path;
  if (!read_call(env, info, &self)) return NULL;
  const lock_file *file = hold_find(environment_holds(self.environment), read_handle(&self), &path);
  return number(env, file == NULL ? -EBADF : lock_number(file));
}

static napi_value end_hold(napi_env env, napi_callback_info info, void (*end)(lock_file *)) {
  call self;
  lock_file file;
  if (!read_call(env, info, &self)) return NULL;
  if (!hold_remove(environment_holds(self.environment), read_handle(&self), &file)) return number(env, -EBADF);
  end(&file);
  return number(env, 0);
}

static napi_value unlock(napi_env env, napi_callback_info info) { return end_hold(env, info, lock_release); }

/* handle, flags, record: the path is the hold's own */
static napi_value pass_on(napi_env env, napi_callback_info info) {
  call self;
  lock_request request;
  if (!read_call(env, info, &self)) return NULL;
  int result = read_record(&self, self.values[2], &request);
  if (result < 0) return number(env, result);
  request.flags = read_int(env, self.values[1]);
  return number(env, (double)hold_pass_on(environment_holds(self.environment), read_handle(&self), &request));
}

static napi_value abandon(napi_env env, napi_callback_info info) { return end_hold(env, info, lock_abandon); }

NAPI_MODULE_EXPORT int32_t node_api_module_get_api_version_v1(void) { return NAPI_VERSION; }

NAPI_MODULE_EXPORT napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  static const struct {
    const char *name;
    napi_callback run;
  } functions[] = {
      {"tryLock", try_lock},
      {"waitLock", wait_lock},
      {"cancelWait", cancel_wait},
      {"lockBlocking", lock_blocking},
      {"tryLockDescriptor", try_lock_descriptor},
      {"unlockDescriptor", unlock_descriptor},
      {"waitLockDescriptor", wait_lock_descriptor},
      {"verify", verify},
      {"passOn", pass_on},
      {"unlock", unlock},
      {"abandon", abandon},
      {"descriptor", descriptor},
      {"bootTimeMs", facts_node_boot_time},
      {"processStartTime", facts_node_start_time},
      {"pidNamespace", facts_node_namespace_of_pids},
      {"bootId", facts_node_id_of_boot},
      {"processTable", facts_node_table_of_processes},
      {"processProgram", facts_node_program_of},
      {"isPathLocal", facts_node_is_path_local},
      {"hasCase", facts_node_has_case},
      {"exchange", facts_node_exchange},
#ifdef _WIN32
      {"enterJob", job_enter},
      {"leaveJob", job_leave},
      {"jobMembers", job_members},
#else
#ifdef __linux__
      {"spawn", spawn_node},
      {"descriptorsOf", facts_node_descriptors_of},
      {"holdsFile", facts_node_holds_file},
#endif
      {"openOwn", facts_node_open_own},
      {"groupPermissions", facts_node_group_permissions},
      {"appendDurable", append_node},
      {"writeDurable", durable_node_write},
      {"finishDurable", durable_node_finish},
      {"discardDurable", durable_node_discard},
#endif
  };
  environment *self = environment_create(env);
  if (self == NULL) {
    napi_throw_error(env, NULL, "holdfast: out of memory");
    return NULL;
  }
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    if (napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].run, self, &function) != napi_ok ||
        napi_set_named_property(env, exports, functions[i].name, function) != napi_ok) {
      return NULL;
    }
  }
  return exports;
}
