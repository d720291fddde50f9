/* Durable writes as Node-API functions. */
#ifndef HOLDFAST_DURABLE_NODE_H
#define HOLDFAST_DURABLE_NODE_H

#include <node_api.h>

napi_value durable_node_write(napi_env env, napi_callback_info info);
napi_value durable_node_finish(napi_env env, napi_callback_info info);
napi_value durable_node_discard(napi_env env, napi_callback_info info);

#endif
