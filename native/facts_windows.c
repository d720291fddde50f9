/* What the machine knows about itself and its processes, and threads. */
#include "path_windows.h"

#include <stdio.h>
#include <string.h>
#include <tlhelp32.h>
#include <winternl.h>

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

/*
 * SystemTimeOfDayInformation: the time of the boot and what was added to it each time the clock was set. Without the
 * latter it is the same from boot to shutdown. Nothing that is documented is.
 */
bool boot_id(char *into, size_t size) {
  typedef NTSTATUS(NTAPI * query)(ULONG, void *, ULONG, ULONG *);
  struct {
    LARGE_INTEGER boot, now, zone_bias;
    ULONG zone, reserved;
    ULONGLONG boot_bias, sleep_bias;
  } facts = {.boot_bias = 0};
  HMODULE library = GetModuleHandleW(L"ntdll.dll");
  query run = library == NULL ? NULL : (query)(void *)GetProcAddress(library, "NtQuerySystemInformation");
  if (run == NULL || run(3, &facts, sizeof facts, NULL) < 0 || facts.boot.QuadPart == 0) return false;
  snprintf(into, size, "boot-%llx", (unsigned long long)facts.boot.QuadPart - facts.boot_bias);
  return true;
}

/* A parent's pid stays when the parent has ended, and may be another process's by then: compare start times. */
bool process_table(process_visitor *visit, void *context) {
  PROCESSENTRY32W entry = {.dwSize = sizeof entry};
  HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
  if (snapshot == INVALID_HANDLE_VALUE) return false;
  for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry)) {
    process_entry found = {.pid = (int)entry.th32ProcessID, .parent = (int)entry.th32ParentProcessID};
    process_start_time(found.pid, &found.start);
    visit(context, &found);
  }
  CloseHandle(snapshot);
  return true;
}

bool process_program(int pid, char *into, size_t size) {
  wchar_t wide[PATH_BYTES];
  DWORD length = PATH_BYTES;
  HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, (DWORD)pid);
  if (process == NULL) return false;
  bool is_known = QueryFullProcessImageNameW(process, 0, wide, &length);
  CloseHandle(process);
  return is_known && WideCharToMultiByte(CP_UTF8, 0, wide, -1, into, (int)size, NULL, NULL) > 0;
}

/* By the volume, whatever it is reached by: a drive letter, a UNC path, a link into a share. */
bool path_is_local(const char *path, bool *is_local) {
  wchar_t wide[WIDE_PATH], full[WIDE_PATH], volume[WIDE_PATH];
  DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  if (!path_widen(path, wide)) return false;
  HANDLE file = CreateFileW(wide, FILE_READ_ATTRIBUTES, share, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
  if (file == INVALID_HANDLE_VALUE) return false;
  DWORD length = GetFinalPathNameByHandleW(file, full, PATH_BYTES, VOLUME_NAME_DOS);
  CloseHandle(file);
  if (length == 0 || length >= PATH_BYTES) wcscpy(full, wide);
  if (wcsncmp(full, L"\\\\?\\UNC\\", 8) == 0) {
    *is_local = false;
    return true;
  }
  if (!GetVolumePathNameW(full, volume, WIDE_PATH)) return false;
  /* \\?\X:\ means the drive X:, whose type is known by that name. */
  bool is_drive = wcsncmp(volume, L"\\\\?\\", 4) == 0 && volume[4] != 0 && volume[5] == L':';
  UINT kind = GetDriveTypeW(is_drive ? volume + 4 : volume);
  if (kind == DRIVE_UNKNOWN || kind == DRIVE_NO_ROOT_DIR) return false;
  *is_local = kind != DRIVE_REMOTE;
  return true;
}

/* FileCaseSensitiveInfo, since Windows 10 1803; before that, and where it is not kept, names have no case. */
bool path_has_case(const char *path, bool *has_case) {
  wchar_t wide[WIDE_PATH];
  DWORD flags = 0, share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  if (!path_widen(path, wide)) return false;
  HANDLE file = CreateFileW(wide, FILE_READ_ATTRIBUTES, share, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
  if (file == INVALID_HANDLE_VALUE) return false;
  *has_case = GetFileInformationByHandleEx(file, (FILE_INFO_BY_HANDLE_CLASS)23, &flags, sizeof flags) && (flags & 1) != 0;
  CloseHandle(file);
  return true;
}

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
