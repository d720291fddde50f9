#define NAPI_VERSION 8
#include "facts_node.h"
#include "call.h"
#ifndef _WIN32
#include "acl.h"
#include "own.h"
#endif

#include <string.h>

napi_value facts_node_boot_time(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, boot_time_ms());
}

napi_value facts_node_start_time(napi_env env, napi_callback_info info) {
  call self;
  double start;
  if (!read_call(env, info, &self)) return NULL;
  return process_start_time(read_int(env, self.values[0]), &start) ? number(env, start) : NULL;
}

napi_value facts_node_namespace_of_pids(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, pid_namespace());
}

napi_value facts_node_id_of_boot(napi_env env, napi_callback_info info) {
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

napi_value facts_node_table_of_processes(napi_env env, napi_callback_info info) {
  number_list found = {.env = env};
  (void)info;
  if (napi_create_array(env, &found.list) != napi_ok) return NULL;
  return process_table(append_process, &found) ? found.list : NULL;
}

napi_value facts_node_program_of(napi_env env, napi_callback_info info) {
  call self;
  if (!read_call(env, info, &self)) return NULL;
  return process_program(read_int(env, self.values[0]), self.path, PATH_BYTES) ? text(env, self.path) : NULL;
}

typedef bool path_question(const char *path, bool *answer);

static napi_value answer_about(napi_env env, napi_callback_info info, path_question *ask) {
  call self;
  size_t length;
  bool answer;
  napi_value result = NULL;
  if (!read_call(env, info, &self)) return NULL;
  if (read_text(env, self.values[0], self.path, PATH_BYTES, &length) < 0) return NULL;
  if (ask(self.path, &answer)) napi_get_boolean(env, answer, &result);
  return result;
}

napi_value facts_node_is_path_local(napi_env env, napi_callback_info info) {
  return answer_about(env, info, path_is_local);
}

napi_value facts_node_has_case(napi_env env, napi_callback_info info) { return answer_about(env, info, path_has_case); }

napi_value facts_node_exchange(napi_env env, napi_callback_info info) {
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
napi_value facts_node_holds_file(napi_env env, napi_callback_info info) {
  call self;
  uint64_t device = 0, inode = 0;
  bool is_whole;
  napi_value result = NULL;
  if (!read_call(env, info, &self)) return NULL;
  napi_get_value_bigint_uint64(env, self.values[0], &device, &is_whole);
  napi_get_value_bigint_uint64(env, self.values[1], &inode, &is_whole);
  napi_get_boolean(env, hold_is_of(environment_holds(self.environment), device, inode), &result);
  return result;
}

/* pid, path */
napi_value facts_node_descriptors_of(napi_env env, napi_callback_info info) {
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
napi_value facts_node_open_own(napi_env env, napi_callback_info info) {
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

napi_value facts_node_group_permissions(napi_env env, napi_callback_info info) {
  call self;
  size_t length;
  if (!read_call(env, info, &self)) return NULL;
  int result = read_text(env, self.values[0], self.path, PATH_BYTES, &length);
  return number(env, result == 0 ? acl_group(self.path, -1) : -1);
}
#endif
