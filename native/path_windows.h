/* Paths as Windows takes them. */
#ifndef HOLDFAST_PATH_WINDOWS_H
#define HOLDFAST_PATH_WINDOWS_H

#include "lock.h"

/* In wchar_t, with the prefix of a long path and the NUL. */
enum { WIDE_PATH = PATH_BYTES + 8 };

/* An absolute path in UTF-8. False: it is none (GetLastError has why). */
bool path_widen(const char *path, wchar_t into[WIDE_PATH]);

#endif
