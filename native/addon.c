/* Node-API glue: reads arguments, calls, returns a number. Nothing throws but a call with wrong types. */
#define NAPI_VERSION 8
#include "environment.h"
#ifndef _WIN32
#include "append_node.h"
#include "durable_node.h"
#ifdef __linux__
#include "spawn_node.h"
#endif
#include "own.h"
#endif

#include <math.h>
#include <string.h>

enum { ARGUMENTS = 5 };

/* The arguments of one call, and the text that they were copied to. */
typedef struct {
  napi_env env;
  environment *environment;
  napi_value values[ARGUMENTS];
  char path[PATH_BYTES + 4]; /* a truncated copy still fills PATH_BYTES: UTF-8 is cut between characters */
  char record[RECORD_BYTES + 4];
} call;

static napi_value number(napi_env env, double value) {
  napi_value result = NULL;
  napi_create_double(env, value, &result);
  return result;
}

static bool read_call(napi_env env, napi_callback_info info, call *into) {
  size_t count = ARGUMENTS;
  into->env = env;
  return napi_get_cb_info(env, info, &count, into->values, NULL, (void **)&into->environment) == napi_ok;
}

static int read_text(napi_env env, napi_value value, char *into, size_t size, size_t *length) {
  if (napi_get_value_string_utf8(env, value, into, size + 4, length) != napi_ok) return -EINVAL;
  return *length >= size ? -ENAMETOOLONG : 0;
}

static int read_int(napi_env env, napi_value value) {
  int32_t result = 0;
  napi_get_value_int32(env, value, &result);
  return result;
}

static int64_t read_handle(const call *self) {
  int64_t result = 0;
  napi_get_value_int64(self->env, self->values[0], &result);
  return result;
}

/* path, flags, createMode, record */
static int read_request(call *self, lock_request *request) {
  size_t length;
  napi_valuetype type;
  int result = read_text(self->env, self->values[0], self->path, PATH_BYTES, &length);
  if (result < 0) return result;
  if (memchr(self->path, '\0', length) != NULL) return -EINVAL;
  *request = (lock_request){.path = self->path,
                            .flags = read_int(self->env, self->values[1]),
                            .create_mode = read_int(self->env, self->values[2])};
  if (napi_typeof(self->env, self->values[3], &type) != napi_ok || type != napi_string) return 0;
  request->record = self->record;
  result = read_text(self->env, self->values[3], self->record, RECORD_BYTES, &request->record_length);
  return result < 0 ? -EMSGSIZE : 0;
}

static double acquire(call *self, interrupt *stop) {
  lock_request request;
  lock_file file;
  int result = read_request(self, &request);
  if (result == 0) result = lock_acquire(&request, stop, &file);
  return (double)(result == 0 ? hold_add(self->environment, &file, request.path) : result);
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
  const lock_file *file = hold_find(self.environment, read_handle(&self), &path);
  return number(env, file == NULL ? -EBADF : lock_verify(file, path));
}

static napi_value descriptor(napi_env env, napi_callback_info info) {
  call self;
  const char *path;
  if (!read_call(env, info, &self)) return NULL;
  const lock_file *file = hold_find(self.environment, read_handle(&self), &path);
  return number(env, file == NULL ? -EBADF : lock_number(file));
}

static napi_value end_hold(napi_env env, napi_callback_info info, void (*end)(lock_file *)) {
  call self;
  lock_file file;
  if (!read_call(env, info, &self)) return NULL;
  if (!hold_remove(self.environment, read_handle(&self), &file)) return number(env, -EBADF);
  end(&file);
  return number(env, 0);
}

static napi_value unlock(napi_env env, napi_callback_info info) { return end_hold(env, info, lock_release); }

static napi_value abandon(napi_env env, napi_callback_info info) { return end_hold(env, info, lock_abandon); }

static napi_value boot_time(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, boot_time_ms());
}

static napi_value start_time(napi_env env, napi_callback_info info) {
  call self;
  double start;
  if (!read_call(env, info, &self)) return NULL;
  return process_start_time(read_int(env, self.values[0]), &start) ? number(env, start) : NULL;
}

static napi_value namespace_of_pids(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, pid_namespace());
}

static napi_value text(napi_env env, const char *value) {
  napi_value result = NULL;
  napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &result);
  return result;
}

static napi_value id_of_boot(napi_env env, napi_callback_info info) {
  char id[64];
  (void)info;
  return boot_id(id, sizeof id) ? text(env, id) : NULL;
}

/* Three numbers for each process. */
typedef struct {
  napi_env env;
  napi_value list;
  uint32_t length;
} number_list;

static void append_process(void *context, const process_entry *entry) {
  number_list *into = context;
  const double facts[] = {entry->pid, entry->parent, entry->start};
  for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
    napi_set_element(into->env, into->list, into->length++, number(into->env, facts[i]));
  }
}

static napi_value table_of_processes(napi_env env, napi_callback_info info) {
  number_list found = {.env = env};
  (void)info;
  if (napi_create_array(env, &found.list) != napi_ok) return NULL;
  return process_table(append_process, &found) ? found.list : NULL;
}

static napi_value program_of(napi_env env, napi_callback_info info) {
  call self;
  if (!read_call(env, info, &self)) return NULL;
  return process_program(read_int(env, self.values[0]), self.path, PATH_BYTES) ? text(env, self.path) : NULL;
}

static napi_value is_path_local(napi_env env, napi_callback_info info) {
  call self;
  size_t length;
  bool is_local;
  napi_value result = NULL;
  if (!read_call(env, info, &self)) return NULL;
  if (read_text(env, self.values[0], self.path, PATH_BYTES, &length) < 0) return NULL;
  if (path_is_local(self.path, &is_local)) napi_get_boolean(env, is_local, &result);
  return result;
}

static napi_value exchange(napi_env env, napi_callback_info info) {
  call self;
  char other[PATH_BYTES + 4];
  size_t length, other_length;
  if (!read_call(env, info, &self)) return NULL;
  int result = read_text(env, self.values[0], self.path, PATH_BYTES, &length);
  if (result == 0) result = read_text(env, self.values[1], other, PATH_BYTES, &other_length);
  return number(env, result == 0 ? path_exchange(self.path, other) : result);
}

#ifdef __linux__
static void append_number(void *context, int value) {
  number_list *into = context;
  napi_set_element(into->env, into->list, into->length++, number(into->env, value));
}

/* device, inode */
static napi_value holds_file(napi_env env, napi_callback_info info) {
  call self;
  uint64_t device = 0, inode = 0;
  bool is_whole;
  napi_value result = NULL;
  if (!read_call(env, info, &self)) return NULL;
  napi_get_value_bigint_uint64(env, self.values[0], &device, &is_whole);
  napi_get_value_bigint_uint64(env, self.values[1], &inode, &is_whole);
  napi_get_boolean(env, hold_is_of(self.environment, device, inode), &result);
  return result;
}

/* pid, path */
static napi_value descriptors_of(napi_env env, napi_callback_info info) {
  call self;
  size_t length;
  number_list found = {.env = env};
  if (!read_call(env, info, &self) || napi_create_array(env, &found.list) != napi_ok) return NULL;
  if (read_text(env, self.values[1], self.path, PATH_BYTES, &length) < 0) return found.list;
  process_descriptors(read_int(env, self.values[0]), self.path, append_number, &found);
  return found.list;
}
#endif

#ifndef _WIN32
/* path, depth, owner, flags */
static napi_value open_own(napi_env env, napi_callback_info info) {
  call self;
  size_t length;
  own_path own = {.path = self.path};
  if (!read_call(env, info, &self)) return NULL;
  int result = read_text(env, self.values[0], self.path, PATH_BYTES, &length);
  if (result == 0 && memchr(self.path, '\0', length) != NULL) result = -EINVAL;
  if (result < 0) return number(env, result);
  own.depth = read_int(env, self.values[1]);
  napi_get_value_int64(env, self.values[2], &own.owner);
  return number(env, own_open(&own, read_int(env, self.values[3])));
}
#endif

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
      {"unlock", unlock},
      {"abandon", abandon},
      {"descriptor", descriptor},
      {"bootTimeMs", boot_time},
      {"processStartTime", start_time},
      {"pidNamespace", namespace_of_pids},
      {"bootId", id_of_boot},
      {"processTable", table_of_processes},
      {"processProgram", program_of},
      {"isPathLocal", is_path_local},
      {"exchange", exchange},
#ifndef _WIN32
#ifdef __linux__
      {"spawn", spawn_node},
      {"descriptorsOf", descriptors_of},
      {"holdsFile", holds_file},
#endif
      {"openOwn", open_own},
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
