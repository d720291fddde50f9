/*
 * What a platform has to offer. Every int result is 0 or positive for success and a negative errno for failure.
 * Nothing here knows about Node; nothing here decides a policy.
 */
#ifndef HOLDFAST_LOCK_H
#define HOLDFAST_LOCK_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
#include <windows.h>
typedef HANDLE lock_descriptor;
typedef SRWLOCK mutex;
#define MUTEX_INITIALIZER SRWLOCK_INIT
#define mutex_lock(m) AcquireSRWLockExclusive(m)
#define mutex_unlock(m) ReleaseSRWLockExclusive(m)
#define thread_yield() SwitchToThread()
#define ESTALE EBUSY /* the Windows C library has no such number */
#else
#include <pthread.h>
#include <sched.h>
typedef int lock_descriptor;
typedef pthread_mutex_t mutex;
#define MUTEX_INITIALIZER PTHREAD_MUTEX_INITIALIZER
#define mutex_lock(m) pthread_mutex_lock(m)
#define mutex_unlock(m) pthread_mutex_unlock(m)
#define thread_yield() sched_yield()
#endif

/* Bits of `flags`; src/platform/native-contract.ts says the same. */
enum { LOCK_SHARED = 1, LOCK_CREATE = 2, LOCK_GATE = 4, LOCK_YIELD = 8, LOCK_DIRECTORY = 16 };
/* How many components at the end of the path have names of ours (own.h); then the file is never created. */
enum { LOCK_OWN_SHIFT = 5, LOCK_OWN_MASK = 7 };

/* Bytes of a path and of a record, the terminating NUL included. */
enum { PATH_BYTES = 4096, RECORD_BYTES = 8192 };

/* Reopening a path that keeps being replaced ends after so many rounds, with -ESTALE. */
enum { REOPEN_LIMIT = 100 };

/* An open file that carries a lock, and its identity, which cannot be reused while it is open. */
typedef struct {
  lock_descriptor descriptor;
  uint64_t device;
  uint64_t inode;
} lock_file;

typedef struct {
  const char *path; /* UTF-8, NUL-terminated */
  int flags;
  int create_mode; /* of a file with a name of ours: one more user who is trusted, or -1 */
  const char *record; /* NULL: none */
  size_t record_length;
} lock_request;

/*
 * Ends one blocking call from another thread, or at a deadline. The blocking thread opens it and closes it; close()
 * is due even when initialise() or open() failed. request() is allowed from initialise() on for as long as the
 * memory lives, but no wake-up arrives after close() has returned.
 */
typedef struct interrupt {
  atomic_bool requested;
  int64_t deadline_ns; /* on monotonic_ns(); INT64_MAX: none */
#ifdef _WIN32
  HANDLE event;
#else
  bool is_open, is_armed;
  int64_t due_ns;
  pthread_t thread;
  struct interrupt *previous, *next;
#endif
} interrupt;

int interrupt_initialise(interrupt *self, int64_t deadline_ns);
int interrupt_open(interrupt *self);
void interrupt_request(interrupt *self);
void interrupt_close(interrupt *self);
/* Requested, or past the deadline: the blocking call is to give up. */
bool interrupt_is_due(interrupt *self);

/*
 * Opens the path, locks it and checks that the path still names the locked file; writes the record. Without an
 * interrupt it never waits (-EWOULDBLOCK); with one it blocks until granted or until the interrupt is due
 * (-ECANCELED). After a failure nothing is left open.
 */
int lock_acquire(const lock_request *request, interrupt *stop, lock_file *granted);
/* The same on a descriptor of another owner: no reopening, no gate, no record, and it stays open. */
int lock_acquire_descriptor(int fd, int flags, interrupt *stop);
int lock_release_descriptor(int fd);
/* 1, 0 or a negative errno. */
int lock_verify(const lock_file *file, const char *path);
/*
 * What has to be true of a lock that goes on under another holder, and its record: -ESTALE where the path names another
 * file now, or one that was ours and is no more. -ENOSYS where locks cannot be passed on.
 */
int lock_pass_on(const lock_file *file, const lock_request *request);
/* Unlocks first, then closes. Close alone would leave the lock to a child forked in between, until its exec. */
void lock_release(lock_file *file);
/* Closes and leaves the lock to those who inherited the descriptor. */
void lock_abandon(lock_file *file);
int lock_number(const lock_file *file);

/* Starts a detached thread that takes no signals. */
int thread_start(void *(*run)(void *), void *argument);

int64_t monotonic_ns(void);
double boot_time_ms(void);
bool process_start_time(int pid, double *start);
double pid_namespace(void);

/* What Linux shows in /proc, for the platforms without one. False: not known here, or not this way. */
typedef struct {
  int pid;
  int parent;
  double start; /* as process_start_time has it; 0 when that is not known */
} process_entry;
typedef void process_visitor(void *context, const process_entry *entry);
/* Text that changes with every boot and with nothing else. */
bool boot_id(char *into, size_t size);
bool process_table(process_visitor *visit, void *context);
#ifdef __linux__
/* Visits the descriptors of a process whose link in /proc reads `path`. */
void process_descriptors(int pid, const char *path, void (*visit)(void *, int), void *context);
#endif
/* The path of the program that a process runs, without arguments. */
bool process_program(int pid, char *into, size_t size);
/* Whether only this machine reaches the file system of an existing path. */
bool path_is_local(const char *path, bool *is_local);
/* Whether names in an existing directory that differ in case only are two. Linux: false, not known this way. */
bool path_has_case(const char *path, bool *has_case);

/* Two names of one file system change places in one step. -ENOSYS or -EINVAL where that cannot be done. */
int path_exchange(const char *a, const char *b);

#endif
