/* What the machine knows about itself and its processes, and threads. */
#include "lock.h"

int64_t monotonic_ns(void) {
  LARGE_INTEGER now, frequency;
  QueryPerformanceCounter(&now);
  QueryPerformanceFrequency(&frequency);
  return (int64_t)((double)now.QuadPart * 1e9 / (double)frequency.QuadPart);
}

/* Unlike the unbiased counters this one goes on while the machine sleeps. */
double boot_time_ms(void) { return (double)GetTickCount64(); }

bool process_start_time(int pid, double *start) {
  FILETIME created, ended, kernel, user;
  HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, (DWORD)pid);
  if (process == NULL) return false;
  bool is_known = GetProcessTimes(process, &created, &ended, &kernel, &user);
  CloseHandle(process);
  /* In milliseconds: the 100 ns that the system counts exceed what a double keeps exactly. */
  *start = (double)((((uint64_t)created.dwHighDateTime << 32) | created.dwLowDateTime) / 10000);
  return is_known;
}

double pid_namespace(void) { return 0; }

int path_exchange(const char *a, const char *b) {
  (void)a, (void)b;
  return -ENOSYS;
}

typedef struct {
  void *(*run)(void *);
  void *argument;
} body;

static DWORD WINAPI thread_run(void *argument) {
  body self = *(body *)argument;
  HeapFree(GetProcessHeap(), 0, argument);
  self.run(self.argument);
  return 0;
}

int thread_start(void *(*run)(void *), void *argument) {
  HMODULE pinned;
  body *self = HeapAlloc(GetProcessHeap(), 0, sizeof *self);
  if (self == NULL) return -ENOMEM;
  *self = (body){.run = run, .argument = argument};
  /* A thread may still run our code when the last environment has gone. */
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                     (const wchar_t *)(void *)thread_run, &pinned);
  HANDLE thread = CreateThread(NULL, 128 * 1024, thread_run, self, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  if (thread == NULL) {
    HeapFree(GetProcessHeap(), 0, self);
    return -EAGAIN;
  }
  CloseHandle(thread);
  return 0;
}
