/* Starting the command: execvp(3) with the bytes as they are, and the death of this process tied to it. */
#include "start.h"
#include "kernel.h"

enum { PATH_LIMIT = 4096 };

static size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length] != '\0') length++;
  return length;
}

static const char *variable(char *const *environment, const char *name) {
  size_t length = length_of(name);
  for (; *environment != NULL; environment++) {
    const char *each = *environment;
    size_t same = 0;
    while (same < length && each[same] == name[same]) same++;
    if (same == length && each[same] == '=') return each + length + 1;
  }
  return NULL;
}

/* A script without a first line of its own is the shell's, as with execvp(3). */
static int run_file(const char *file, char **arguments, char *const *environment) {
  int result = (int)CALL3(SYS_execve, file, arguments, environment);
  if (result != -ENOEXEC) return result;
  /* One place before the arguments is free; the caller left it. */
  char *first = arguments[0];
  arguments[-1] = "/bin/sh";
  arguments[0] = (char *)file;
  result = (int)CALL3(SYS_execve, "/bin/sh", arguments - 1, environment);
  arguments[0] = first;
  return result;
}

static int search(char **arguments, char *const *environment) {
  const char *name = arguments[0];
  size_t length = length_of(name);
  const char *directories = variable(environment, "PATH");
  int refused = -ENOENT;
  if (length == 0) return -ENOENT;
  for (const char *at = name; *at != '\0'; at++) {
    if (*at == '/') return run_file(name, arguments, environment);
  }
  if (directories == NULL) directories = "/usr/local/bin:/bin:/usr/bin";
  for (;;) {
    char path[PATH_LIMIT];
    size_t used = 0;
    while (*directories != ':' && *directories != '\0' && used + length + 2 < PATH_LIMIT) path[used++] = *directories++;
    while (*directories != ':' && *directories != '\0') directories++;
    if (used > 0) path[used++] = '/';
    for (size_t i = 0; i <= length && used < PATH_LIMIT; i++) path[used++] = name[i];
    int result = run_file(path, arguments, environment);
    if (result == -EACCES) refused = result;
    else if (result != -ENOENT && result != -ENOTDIR && result != -ESTALE && result != -ENODEV && result != -ETIMEDOUT) return result;
    if (*directories++ == '\0') return refused;
  }
}

/* See open_files_before_node in spawn_node.c. */
static void restore_open_files(int parent) {
  struct {
    uint64_t soft, hard;
  } own, above;
  enum { OPEN_FILES = 7 };
  if (CALL4(SYS_prlimit64, 0, OPEN_FILES, 0, &own) < 0 || CALL4(SYS_prlimit64, parent, OPEN_FILES, 0, &above) < 0) return;
  if (above.hard == own.hard) CALL4(SYS_prlimit64, 0, OPEN_FILES, &above, 0);
}

int start_command(const command_start *command, int *error) {
  int report[2];
  *error = 0;
  long result = CALL2(SYS_pipe2, report, O_CLOEXEC);
  if (result < 0) return (int)result;
  int self = (int)CALL1(SYS_getpid, 0);
  long pid = CALL5(SYS_clone, SIGNAL_CHILD, 0, 0, 0, 0);
  if (pid == 0) {
    /* The second line: should this process be killed, the command goes with it. */
    CALL2(SYS_prctl, DEATH_SIGNAL, SIGNAL_KILL);
    if (CALL1(SYS_getppid, 0) != self) CALL1(SYS_exit_group, 127);
    restore_open_files(command->parent);
    CALL4(SYS_rt_sigprocmask, BLOCK_SET, &command->mask, 0, SIGNAL_SET_BYTES);
    int failure = search(command->arguments, command->environment);
    CALL3(SYS_write, report[1], &failure, sizeof failure);
    CALL1(SYS_exit_group, 127);
  }
  CALL1(SYS_close, report[1]);
  if (pid > 0) {
    int failure = 0;
    do result = CALL3(SYS_read, report[0], &failure, sizeof failure);
    while (result == -EINTR);
    if (result == sizeof failure) *error = -failure;
  }
  CALL1(SYS_close, report[0]);
  return (int)pid;
}
