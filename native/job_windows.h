/* One job object: this process, and the descendants that it has from then on. */
#ifndef HOLDFAST_JOB_WINDOWS_H
#define HOLDFAST_JOB_WINDOWS_H

#include <node_api.h>

napi_value job_enter(napi_env env, napi_callback_info info);
napi_value job_leave(napi_env env, napi_callback_info info);
napi_value job_members(napi_env env, napi_callback_info info);

#endif
