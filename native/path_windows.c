#include "path_windows.h"

#include <string.h>

/* From here on CreateFileW wants the form that it does not change: 260 less room for a file name (8.3). */
enum { LONG_PATH = 248 };

/*
 * A long path gets the prefix \\?\ (\\?\UNC\ for a share), after which Windows takes it as it is: callers hand over resolved
 * paths, so there are no dots in it, and slashes become backslashes here.
 */
bool path_widen(const char *path, wchar_t into[WIDE_PATH]) {
  wchar_t wide[PATH_BYTES];
  int length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, PATH_BYTES);
  if (length == 0) return false;
  bool is_drive = wide[0] != 0 && wide[1] == L':' && (wide[2] == L'\\' || wide[2] == L'/');
  bool is_share = wide[0] == L'\\' && wide[1] == L'\\' && wide[2] != L'?' && wide[2] != L'.';
  if (length < LONG_PATH || !(is_drive || is_share)) {
    wcscpy(into, wide);
    return true;
  }
  for (wchar_t *at = wide; *at != 0; at++) {
    if (*at == L'/') *at = L'\\';
  }
  wcscpy(into, is_share ? L"\\\\?\\UNC" : L"\\\\?\\");
  wcscat(into, is_share ? wide + 1 : wide);
  return true;
}
