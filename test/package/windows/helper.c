/*
 * What the laws of Windows need and Node has not: HELPER suspend|resume PID, HELPER unshared FILE (keeps it open without
 * sharing it until its input ends), HELPER interrupt PID (presses Ctrl-C in the console of a process), HELPER break|close
 * PID (what Ctrl-Break and the closing of its console do to a process), HELPER console LINE (runs a command line in a console of its own,
 * prints its pid, and ends as it does).
 */
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int suspend(const char *verb, DWORD pid) {
  typedef LONG(NTAPI * call)(HANDLE);
  const char *name = strcmp(verb, "suspend") == 0 ? "NtSuspendProcess" : "NtResumeProcess";
  HANDLE process = OpenProcess(PROCESS_SUSPEND_RESUME, FALSE, pid);
  call run = (call)(void *)GetProcAddress(GetModuleHandleW(L"ntdll.dll"), name);
  return process == NULL || run == NULL || run(process) < 0;
}

static int open_unshared(const char *path) {
  HANDLE file = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_ALWAYS, 0, NULL);
  if (file == INVALID_HANDLE_VALUE) return 1;
  printf("open\n");
  fflush(stdout);
  while (getchar() != EOF) {}
  return 0;
}

static BOOL WINAPI ignore(DWORD event) {
  (void)event;
  return TRUE;
}

/* Reaches every process of the console. */
static int press_interrupt(DWORD pid) {
  FreeConsole();
  SetConsoleCtrlHandler(ignore, TRUE);
  return !AttachConsole(pid) || !GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0);
}

/* What the console does in a process for such an event, for this process alone: wine's console knows Ctrl-C only. */
static int deliver(DWORD event, DWORD pid) {
  HANDLE process = OpenProcess(PROCESS_ALL_ACCESS, FALSE, pid);
  void *routine = (void *)GetProcAddress(GetModuleHandleW(L"kernel32.dll"), "CtrlRoutine");
  if (process == NULL || routine == NULL) return 1;
  return CreateRemoteThread(process, NULL, 0, (LPTHREAD_START_ROUTINE)routine, (void *)(uintptr_t)event, 0, NULL) == NULL;
}

static int run_in_console(char *line) {
  STARTUPINFOA how = {.cb = sizeof how, .dwFlags = STARTF_USESHOWWINDOW, .wShowWindow = SW_HIDE};
  PROCESS_INFORMATION made;
  DWORD code = 1;
  if (!CreateProcessA(NULL, line, NULL, NULL, FALSE, CREATE_NEW_CONSOLE, NULL, NULL, &how, &made)) return 1;
  printf("%lu\n", made.dwProcessId);
  fflush(stdout);
  WaitForSingleObject(made.hProcess, INFINITE);
  GetExitCodeProcess(made.hProcess, &code);
  return (int)code;
}

int main(int count, char **words) {
  if (count != 3) return 64;
  const char *verb = words[1];
  DWORD pid = (DWORD)atoi(words[2]);
  if (strcmp(verb, "suspend") == 0 || strcmp(verb, "resume") == 0) return suspend(verb, pid);
  if (strcmp(verb, "unshared") == 0) return open_unshared(words[2]);
  if (strcmp(verb, "interrupt") == 0) return press_interrupt(pid);
  if (strcmp(verb, "break") == 0) return deliver(CTRL_BREAK_EVENT, pid);
  if (strcmp(verb, "close") == 0) return deliver(CTRL_CLOSE_EVENT, pid);
  if (strcmp(verb, "console") == 0) return run_in_console(words[2]);
  return 64;
}
