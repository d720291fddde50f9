/* Durable appends as a Node-API function. */
#ifndef HOLDFAST_APPEND_NODE_H
#define HOLDFAST_APPEND_NODE_H

#include <node_api.h>

/* directory, path, data, state, isNew, done; see src/platform/native-contract.ts */
napi_value append_node(napi_env env, napi_callback_info info);

#endif
