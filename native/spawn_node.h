/* Starting the command of `holdfast run` with the bytes that this process was given. Linux only. */
#ifndef HOLDFAST_SPAWN_NODE_H
#define HOLDFAST_SPAWN_NODE_H

#include <node_api.h>

/* words, changes, descriptors, done; see src/platform/native-contract.ts */
napi_value spawn_node(napi_env env, napi_callback_info info);

#endif
