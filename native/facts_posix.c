/* What the machine knows about itself and its processes. */
#include "lock.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

double boot_time_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* proc_pid_stat(5): field 22, in clock ticks since boot. The name in field 2 may itself contain ") ". */
bool process_start_time(int pid, double *start) {
  char path[32], line[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t length = read(fd, line, sizeof line - 1);
  close(fd);
  if (length <= 0) return false;
  line[length] = '\0';
  char *field = strrchr(line, ')');
  for (int number = 2; field != NULL && number < 22; number++) field = strchr(field + 1, ' ');
  if (field == NULL) return false;
  *start = (double)strtoull(field + 1, NULL, 10);
  return true;
}

double pid_namespace(void) {
  struct stat status;
  if (syscall(SYS_newfstatat, AT_FDCWD, "/proc/self/ns/pid", &status, 0) < 0) return 0;
  return (double)status.st_ino;
}

/* All of it is in /proc and statfs(2), which Node reads. */
bool boot_id(char *into, size_t size) {
  (void)into, (void)size;
  return false;
}

bool process_table(process_visitor *visit, void *context) {
  (void)visit, (void)context;
  return false;
}

void process_descriptors(int pid, const char *path, void (*visit)(void *, int), void *context) {
  char text[PATH_BYTES];
  size_t length = strlen(path);
  snprintf(text, sizeof text, "/proc/%d/fd", pid);
  DIR *directory = opendir(text);
  if (directory == NULL || length >= sizeof text) length = 0;
  for (struct dirent *entry; length > 0 && (entry = readdir(directory)) != NULL;) {
    /* One byte more than the path: a longer link does not look like it. */
    ssize_t got = readlinkat(dirfd(directory), entry->d_name, text, length + 1);
    if (got == (ssize_t)length && memcmp(text, path, length) == 0) visit(context, atoi(entry->d_name));
  }
  if (directory != NULL) closedir(directory);
}

bool process_program(int pid, char *into, size_t size) {
  (void)pid, (void)into, (void)size;
  return false;
}

bool path_is_local(const char *path, bool *is_local) {
  (void)path, (void)is_local;
  return false;
}

bool path_has_case(const char *path, bool *has_case) {
  (void)path, (void)has_case;
  return false;
}

/* By number: glibc has a wrapper since 2.28 only, and musl and old headers lack the flag. */
int path_exchange(const char *a, const char *b) {
  enum { EXCHANGE = 2 };
  return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, EXCHANGE) < 0 ? -errno : 0;
}
#else
#include <libproc.h>
#include <mach/mach_time.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/sysctl.h>

double boot_time_ms(void) {
  mach_timebase_info_data_t base;
  mach_timebase_info(&base);
  return (double)mach_continuous_time() * base.numer / base.denom / 1e6;
}

bool process_start_time(int pid, double *start) {
  struct proc_bsdinfo facts;
  if (proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &facts, sizeof facts) != (int)sizeof facts) return false;
  *start = (double)facts.pbi_start_tvsec * 1e6 + (double)facts.pbi_start_tvusec;
  return true;
}

double pid_namespace(void) { return 0; }

bool boot_id(char *into, size_t size) {
  return sysctlbyname("kern.bootsessionuuid", into, &size, NULL, 0) == 0 && size > 1;
}

bool process_table(process_visitor *visit, void *context) {
  int limit = proc_listallpids(NULL, 0) + 64; /* for those that start meanwhile */
  pid_t *pids = limit > 64 ? malloc((size_t)limit * sizeof *pids) : NULL;
  if (pids == NULL) return false;
  int count = proc_listallpids(pids, limit * (int)sizeof *pids);
  for (int i = 0; i < count; i++) {
    struct proc_bsdinfo facts;
    if (proc_pidinfo(pids[i], PROC_PIDTBSDINFO, 0, &facts, sizeof facts) != (int)sizeof facts) continue;
    double start = (double)facts.pbi_start_tvsec * 1e6 + (double)facts.pbi_start_tvusec;
    visit(context, &(process_entry){.pid = pids[i], .parent = (int)facts.pbi_ppid, .start = start});
  }
  free(pids);
  return count > 0;
}

bool process_program(int pid, char *into, size_t size) { return proc_pidpath(pid, into, (uint32_t)size) > 0; }

bool path_is_local(const char *path, bool *is_local) {
  struct statfs facts;
  if (statfs(path, &facts) < 0) return false;
  *is_local = (facts.f_flags & MNT_LOCAL) != 0;
  return true;
}

bool path_has_case(const char *path, bool *has_case) {
  long answer = pathconf(path, _PC_CASE_SENSITIVE);
  *has_case = answer != 0;
  return answer >= 0;
}

int path_exchange(const char *a, const char *b) { return renamex_np(a, b, RENAME_SWAP) < 0 ? -errno : 0; }
#endif
