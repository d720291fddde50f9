/* Facts about this machine, its processes and its paths, as Node-API functions. */
#ifndef HOLDFAST_FACTS_NODE_H
#define HOLDFAST_FACTS_NODE_H

#include <node_api.h>

napi_value facts_node_boot_time(napi_env env, napi_callback_info info);
napi_value facts_node_start_time(napi_env env, napi_callback_info info);
napi_value facts_node_namespace_of_pids(napi_env env, napi_callback_info info);
napi_value facts_node_id_of_boot(napi_env env, napi_callback_info info);
napi_value facts_node_table_of_processes(napi_env env, napi_callback_info info);
napi_value facts_node_program_of(napi_env env, napi_callback_info info);
napi_value facts_node_is_path_local(napi_env env, napi_callback_info info);
napi_value facts_node_has_case(napi_env env, napi_callback_info info);
napi_value facts_node_exchange(napi_env env, napi_callback_info info);
#ifdef __linux__
napi_value facts_node_holds_file(napi_env env, napi_callback_info info);
napi_value facts_node_descriptors_of(napi_env env, napi_callback_info info);
#endif
#ifndef _WIN32
napi_value facts_node_open_own(napi_env env, napi_callback_info info);
napi_value facts_node_group_permissions(napi_env env, napi_callback_info info);
#endif

#endif
