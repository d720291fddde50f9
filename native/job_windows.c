/*
 * Membership is inherited, and does not end with a parent: so the job knows descendants that no table of processes leads to
 * any more. The handle is this process's alone, and closes with it, however it ends: then Windows ends every member.
 */
#define NAPI_VERSION 8
#include "job_windows.h"
#include "call.h"

#include <stdlib.h>

static HANDLE job;

static bool set_limits(HANDLE of, DWORD flags) {
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {.BasicLimitInformation.LimitFlags = flags};
  return SetInformationJobObject(of, JobObjectExtendedLimitInformation, &limits, sizeof limits);
}

/* -EPERM: this process is in a job that allows none below it (before Windows 8). */
napi_value job_enter(napi_env env, napi_callback_info info) {
  (void)info;
  if (job != NULL) return number(env, set_limits(job, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE) ? 0 : -EPERM);
  HANDLE made = CreateJobObjectW(NULL, NULL);
  if (made == NULL) return number(env, -ENOMEM);
  if (!set_limits(made, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE) || !AssignProcessToJobObject(made, GetCurrentProcess())) {
    CloseHandle(made);
    return number(env, -EPERM);
  }
  job = made;
  return number(env, 0);
}

/* The members live on when this process ends. Their job stays theirs: no process can leave one. */
napi_value job_leave(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, job == NULL || set_limits(job, 0) ? 0 : -EPERM);
}

napi_value job_members(napi_env env, napi_callback_info info) {
  enum { MEMBERS = 4096 };
  const DWORD size = sizeof(JOBOBJECT_BASIC_PROCESS_ID_LIST) + MEMBERS * sizeof(ULONG_PTR);
  napi_value list = NULL;
  uint32_t length = 0;
  (void)info;
  if (napi_create_array(env, &list) != napi_ok || job == NULL) return list;
  JOBOBJECT_BASIC_PROCESS_ID_LIST *found = malloc(size);
  /* ERROR_MORE_DATA leaves those that fit, and the others are found when they have ended. */
  if (found != NULL && (QueryInformationJobObject(job, JobObjectBasicProcessIdList, found, size, NULL) ||
                        GetLastError() == ERROR_MORE_DATA)) {
    for (DWORD i = 0; i < found->NumberOfProcessIdsInList; i++) {
      DWORD pid = (DWORD)found->ProcessIdList[i];
      if (pid != GetCurrentProcessId()) napi_set_element(env, list, length++, number(env, pid));
    }
  }
  free(found);
  return list;
}
