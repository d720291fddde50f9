/*
 * The imports name node.exe, and the program that runs us may have another name (Electron, a single executable). They are
 * bound late, and this hook answers with the running program.
 */
#include <windows.h>

#include <delayimp.h>
#include <string.h>

static FARPROC WINAPI answer(unsigned event, PDelayLoadInfo info) {
  if (event != dliNotePreLoadLibrary || _stricmp(info->szDll, "node.exe") != 0) return NULL;
  return (FARPROC)(void *)GetModuleHandleW(NULL);
}

PfnDliHook __pfnDliNotifyHook2 = answer;
