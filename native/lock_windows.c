/* LockFileEx on one byte far beyond any data: Windows locks are mandatory, and the record must stay readable. */
#include "path_windows.h"

#include <string.h>

enum { LOCK_OFFSET = 0, GATE_OFFSET = 1, RANGE_OFFSET_HIGH = 0x7fffffff };
/* Where there is nothing to sleep on. */
enum { LOOK_AGAIN_MS = 25 };

/* Guards `event` of every interrupt: requests may come when the blocking thread has closed its own. */
static SRWLOCK events = SRWLOCK_INIT;

static int failure(DWORD error) {
  switch (error) {
    case ERROR_LOCK_VIOLATION:
    case ERROR_IO_PENDING: return -EWOULDBLOCK;
    case ERROR_OPERATION_ABORTED: return -ECANCELED;
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND: return -ENOENT;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION: return -EACCES;
    case ERROR_WRITE_PROTECT: return -EROFS;
    case ERROR_TOO_MANY_OPEN_FILES: return -EMFILE;
    case ERROR_INVALID_HANDLE: return -EBADF;
    case ERROR_NOT_ENOUGH_MEMORY: return -ENOMEM;
    case ERROR_FILENAME_EXCED_RANGE: return -ENAMETOOLONG;
    case ERROR_INVALID_NAME:
    case ERROR_INVALID_PARAMETER: return -EINVAL;
    case ERROR_INVALID_FUNCTION:
    case ERROR_NOT_SUPPORTED: return -ENOSYS;
    default: return -EIO;
  }
}

int interrupt_initialise(interrupt *self, int64_t deadline_ns) {
  *self = (interrupt){.deadline_ns = deadline_ns, .event = CreateEventW(NULL, TRUE, FALSE, NULL)};
  return self->event == NULL ? -EAGAIN : 0;
}

int interrupt_open(interrupt *self) {
  (void)self;
  return 0;
}

void interrupt_request(interrupt *self) {
  atomic_store(&self->requested, true);
  mutex_lock(&events);
  if (self->event != NULL) SetEvent(self->event);
  mutex_unlock(&events);
}

void interrupt_close(interrupt *self) {
  mutex_lock(&events);
  if (self->event != NULL) CloseHandle(self->event);
  self->event = NULL;
  mutex_unlock(&events);
}

bool interrupt_is_due(interrupt *self) {
  if (atomic_load(&self->requested)) return true;
  return self->deadline_ns != INT64_MAX && monotonic_ns() >= self->deadline_ns;
}

static DWORD milliseconds_left(const interrupt *stop) {
  if (stop->deadline_ns == INT64_MAX) return INFINITE;
  int64_t left = (stop->deadline_ns - monotonic_ns() + 999999) / 1000000;
  return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (DWORD)left;
}

/* A grant may win against the cancellation: only GetOverlappedResult knows. */
static int finish(HANDLE file, OVERLAPPED *operation, interrupt *stop) {
  DWORD ignored;
  HANDLE either[2] = {operation->hEvent, stop->event};
  if (WaitForMultipleObjects(2, either, FALSE, milliseconds_left(stop)) != WAIT_OBJECT_0) CancelIoEx(file, operation);
  return GetOverlappedResult(file, operation, &ignored, TRUE) ? 0 : failure(GetLastError());
}

/* Wine leaves an overlapped lock that has to wait pending for ever (NtLockFile: "Async I/O lock wait not implemented"). */
static bool is_wine(void) { return GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != NULL; }

static int lock_range(HANDLE file, DWORD offset, bool is_shared, interrupt *stop);

static int poll_range(HANDLE file, DWORD offset, bool is_shared, interrupt *stop) {
  for (;;) {
    int result = lock_range(file, offset, is_shared, NULL);
    if (result != -EWOULDBLOCK) return result;
    if (interrupt_is_due(stop)) return -ECANCELED;
    DWORD left = milliseconds_left(stop);
    WaitForSingleObject(stop->event, left < LOOK_AGAIN_MS ? left : LOOK_AGAIN_MS);
  }
}

static int lock_range(HANDLE file, DWORD offset, bool is_shared, interrupt *stop) {
  if (stop != NULL && is_wine()) return poll_range(file, offset, is_shared, stop);
  DWORD flags = (is_shared ? 0 : LOCKFILE_EXCLUSIVE_LOCK) | (stop == NULL ? LOCKFILE_FAIL_IMMEDIATELY : 0);
  OVERLAPPED range = {.Offset = offset, .OffsetHigh = RANGE_OFFSET_HIGH};
  int result = 0;
  if (stop != NULL && interrupt_is_due(stop)) return -ECANCELED;
  range.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
  if (range.hEvent == NULL) return -EAGAIN;
  if (!LockFileEx(file, flags, 0, 1, 0, &range)) {
    DWORD error = GetLastError();
    DWORD ignored;
    if (error != ERROR_IO_PENDING) result = failure(error);
    else if (stop != NULL) result = finish(file, &range, stop);
    else if (!GetOverlappedResult(file, &range, &ignored, TRUE)) result = failure(GetLastError());
  }
  CloseHandle(range.hEvent);
  return result;
}

static void unlock_range(HANDLE file, DWORD offset) {
  OVERLAPPED range = {.Offset = offset, .OffsetHigh = RANGE_OFFSET_HIGH};
  UnlockFileEx(file, 0, 1, 0, &range);
}

/* The gate is a second byte; gate_posix.c describes its purpose. */
static int pass_gate(HANDLE file, interrupt *stop) {
  int result = lock_range(file, GATE_OFFSET, true, stop);
  if (result == 0) unlock_range(file, GATE_OFFSET);
  return result;
}

static int take_lock(HANDLE file, int flags, interrupt *stop) {
  bool is_shared = flags & LOCK_SHARED;
  bool has_gate = flags & LOCK_GATE;
  bool is_yielding = has_gate && flags & LOCK_YIELD;
  int result = 0;
  if (has_gate && (is_shared || (is_yielding && stop == NULL))) result = pass_gate(file, stop);
  if (result < 0) return result;
  if (is_shared || !has_gate || stop == NULL) return lock_range(file, LOCK_OFFSET, is_shared, stop);
  if (!is_yielding) {
    result = lock_range(file, LOCK_OFFSET, false, NULL);
    if (result != -EWOULDBLOCK) return result;
  }
  result = lock_range(file, GATE_OFFSET, false, stop);
  if (result < 0) return result;
  result = lock_range(file, LOCK_OFFSET, false, stop);
  unlock_range(file, GATE_OFFSET);
  return result;
}

static HANDLE open_wide(const char *path, DWORD access, DWORD disposition) {
  wchar_t wide[WIDE_PATH];
  if (!path_widen(path, wide)) return INVALID_HANDLE_VALUE;
  /* Locking must not keep other programs from deleting or renaming the file. */
  DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  DWORD attributes = FILE_FLAG_OVERLAPPED | FILE_FLAG_BACKUP_SEMANTICS;
  return CreateFileW(wide, access, share, NULL, disposition, attributes, NULL);
}

static HANDLE open_path(const lock_request *request) {
  DWORD disposition = request->flags & LOCK_CREATE ? OPEN_ALWAYS : OPEN_EXISTING;
  HANDLE file = open_wide(request->path, GENERIC_READ | GENERIC_WRITE, disposition);
  if (file != INVALID_HANDLE_VALUE || GetLastError() != ERROR_ACCESS_DENIED) return file;
  file = open_wide(request->path, GENERIC_READ, OPEN_EXISTING);
  if (file == INVALID_HANDLE_VALUE && GetLastError() == ERROR_FILE_NOT_FOUND) SetLastError(ERROR_ACCESS_DENIED);
  return file;
}

static bool identify(HANDLE file, lock_file *into, DWORD *links, int64_t *size) {
  BY_HANDLE_FILE_INFORMATION facts;
  if (!GetFileInformationByHandle(file, &facts)) return false;
  into->device = facts.dwVolumeSerialNumber;
  into->inode = ((uint64_t)facts.nFileIndexHigh << 32) | facts.nFileIndexLow;
  *links = facts.nNumberOfLinks;
  *size = ((int64_t)facts.nFileSizeHigh << 32) | facts.nFileSizeLow;
  return true;
}

int lock_verify(const lock_file *file, const char *path) {
  lock_file named;
  DWORD links;
  int64_t size;
  HANDLE other = open_wide(path, FILE_READ_ATTRIBUTES, OPEN_EXISTING);
  if (other == INVALID_HANDLE_VALUE) {
    /* A file that is to be deleted when its last handle closes cannot be opened any more. */
    int result = failure(GetLastError());
    return result == -ENOENT || result == -EACCES ? 0 : result;
  }
  bool is_known = identify(other, &named, &links, &size);
  CloseHandle(other);
  return is_known && links > 0 && named.device == file->device && named.inode == file->inode;
}

static DWORD transfer(HANDLE file, bool is_write, void *bytes, DWORD length) {
  DWORD done = 0;
  OVERLAPPED start = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
  BOOL ok = is_write ? WriteFile(file, bytes, length, NULL, &start) : ReadFile(file, bytes, length, NULL, &start);
  if (ok || GetLastError() == ERROR_IO_PENDING) GetOverlappedResult(file, &start, &done, TRUE);
  CloseHandle(start.hEvent);
  return done;
}

static bool is_our_record(const char *bytes, DWORD length) {
  static const char magic[] = " holdfast/";
  DWORD digits = 0;
  while (digits < length && bytes[digits] >= '0' && bytes[digits] <= '9') digits++;
  return digits > 0 && length - digits >= sizeof magic - 1 && memcmp(bytes + digits, magic, sizeof magic - 1) == 0;
}

static void write_record(HANDLE file, const lock_request *request, int64_t size) {
  char head[32];
  if (request->record == NULL || request->flags & LOCK_SHARED || GetFileType(file) != FILE_TYPE_DISK) return;
  if (size > 0 && !is_our_record(head, transfer(file, false, head, sizeof head))) return;
  DWORD length = (DWORD)request->record_length;
  FILE_END_OF_FILE_INFO end = {.EndOfFile.QuadPart = length};
  bool is_whole = transfer(file, true, (void *)(uintptr_t)request->record, length) == length;
  if (!is_whole) end.EndOfFile.QuadPart = 0;
  if (size != end.EndOfFile.QuadPart) SetFileInformationByHandle(file, FileEndOfFileInfo, &end, sizeof end);
}

/*
 * A program that has the file open without sharing it keeps us from even opening it. That passes, as a lock does:
 * there is nothing to wait on, so look again now and then.
 */
static int open_shared(const lock_request *request, interrupt *stop, lock_file *granted) {
  for (;;) {
    granted->descriptor = open_path(request);
    if (granted->descriptor != INVALID_HANDLE_VALUE) return 0;
    DWORD error = GetLastError();
    if (error != ERROR_SHARING_VIOLATION) return failure(error);
    if (stop == NULL) return -EWOULDBLOCK;
    if (interrupt_is_due(stop)) return -ECANCELED;
    DWORD left = milliseconds_left(stop);
    WaitForSingleObject(stop->event, left < LOOK_AGAIN_MS ? left : LOOK_AGAIN_MS);
  }
}

/* LockFileEx has no locks on directories, and says so by an error of another kind each time. */
static bool is_directory(HANDLE file) {
  FILE_BASIC_INFO facts;
  return GetFileInformationByHandleEx(file, FileBasicInfo, &facts, sizeof facts) &&
         (facts.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

static int acquire_once(const lock_request *request, interrupt *stop, lock_file *granted, bool *is_current) {
  DWORD links = 0;
  int64_t size = 0;
  int result = open_shared(request, stop, granted);
  if (result < 0) return result;
  if (is_directory(granted->descriptor)) {
    CloseHandle(granted->descriptor);
    return -EISDIR;
  }
  result = take_lock(granted->descriptor, request->flags, stop);
  if (result == 0 && !identify(granted->descriptor, granted, &links, &size)) result = failure(GetLastError());
  *is_current = result == 0 && links > 0 && lock_verify(granted, request->path) == 1;
  if (*is_current) write_record(granted->descriptor, request, size);
  else CloseHandle(granted->descriptor);
  return result;
}

int lock_acquire(const lock_request *request, interrupt *stop, lock_file *granted) {
  for (int round = 0; round <= REOPEN_LIMIT; round++) {
    bool is_current = false;
    int result = acquire_once(request, stop, granted, &is_current);
    if (result < 0 || is_current) return result;
  }
  return -ESTALE;
}

/* A descriptor of the C library is not opened for overlapped use, so a blocking call on it could not be ended. */
int lock_acquire_descriptor(int fd, int flags, interrupt *stop) {
  (void)fd, (void)flags, (void)stop;
  return -ENOSYS;
}

int lock_pass_on(const lock_file *file, const lock_request *request) {
  (void)file;
  (void)request;
  return -ENOSYS;
}

int lock_release_descriptor(int fd) {
  (void)fd;
  return -ENOSYS;
}

void lock_release(lock_file *file) {
  unlock_range(file->descriptor, LOCK_OFFSET);
  CloseHandle(file->descriptor);
}

/* Windows gives a lock to the handle's process, not to those who inherit it. */
void lock_abandon(lock_file *file) { lock_release(file); }

int lock_number(const lock_file *file) {
  (void)file;
  return -ENOSYS;
}
