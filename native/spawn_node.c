/*
 * Node makes texts of arguments, environment and exit status: bytes that are no UTF-8 are replaced, and death by a
 * real-time signal reads as an exit with 0. Here they pass as they are. A thread waits for the child; it is reaped on
 * the environment's own thread, right before that is reported, so until then its number is its own.
 */
#include "spawn_node.h"
#include "lock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

typedef struct {
  pid_t pid;
  napi_threadsafe_function done;
} child;

typedef struct {
  char **words, **environment;
  const int32_t *descriptors;
  size_t descriptor_count;
  struct rlimit open_files;
} command;

/* Texts that a NUL ends each become a list that NULL ends. */
static char **list_texts(char *text, size_t length) {
  size_t count = 0;
  for (size_t i = 0; i < length; i++) count += text[i] == '\0';
  char **list = malloc((count + 1) * sizeof *list);
  if (list == NULL) return NULL;
  count = 0;
  for (size_t start = 0, i = 0; i < length; i++) {
    if (text[i] != '\0') continue;
    list[count++] = text + start;
    start = i + 1;
  }
  list[count] = NULL;
  return list;
}

static size_t name_length(const char *variable) { return strcspn(variable, "="); }

/* This process's environment as it is in memory, without the names in `changes`, and with those that have a value. */
static char **change_environment(char *const *changes) {
  size_t count = 0, changed = 0, kept = 0;
  while (environ[count] != NULL) count++;
  while (changes[changed] != NULL) changed++;
  char **list = malloc((count + changed + 1) * sizeof *list);
  if (list == NULL) return NULL;
  for (size_t i = 0; i < count; i++) {
    size_t length = name_length(environ[i]);
    bool is_changed = false;
    for (size_t j = 0; j < changed && !is_changed; j++) {
      is_changed = name_length(changes[j]) == length && memcmp(changes[j], environ[i], length) == 0;
    }
    if (!is_changed) list[kept++] = environ[i];
  }
  for (size_t j = 0; j < changed; j++) {
    if (changes[j][name_length(changes[j])] == '=') list[kept++] = changes[j];
  }
  list[kept] = NULL;
  return list;
}

/*
 * Node raises its soft limit of open files to the hard one at start, and forgets what it was. A parent with the same hard
 * limit has it still, unless it gave its child another one.
 */
static struct rlimit open_files_before_node(void) {
  struct rlimit own = {0}, parent;
  getrlimit(RLIMIT_NOFILE, &own);
  if (prlimit(getppid(), RLIMIT_NOFILE, NULL, &parent) == 0 && parent.rlim_max == own.rlim_max) return parent;
  return own;
}

/* In the child, which shares memory with its parent (vfork): system calls only. */
static int become(const command *self) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigset_t none;
  /* Node ignores SIGPIPE and has handlers; what its own parent had ignored it has forgotten. */
  for (int signal = 1; signal < 65; signal++) sigaction(signal, &action, NULL);
  setrlimit(RLIMIT_NOFILE, &self->open_files);
  for (size_t i = 0; i < self->descriptor_count; i++) fcntl(self->descriptors[i], F_SETFD, 0);
  /* Node marks the standard streams, too. */
  for (int fd = 0; fd <= 2; fd++) {
    fcntl(fd, F_SETFD, 0);
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && flags & O_NONBLOCK) fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
  }
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execvpe(self->words[0], self->words, self->environment);
  return errno;
}

/* The pid, or a negative errno. */
static pid_t start(const command *self) {
  volatile int failure = 0;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = vfork();
  if (pid == 0) {
    failure = become(self);
    _exit(127);
  }
  int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (pid < 0) return -error;
  if (failure == 0) return pid;
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR);
  return -failure;
}

static void *wait_for(void *argument) {
  child *self = argument;
  siginfo_t info;
  while (waitid(P_PID, (id_t)self->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR);
  napi_threadsafe_function done = self->done;
  napi_call_threadsafe_function(done, self, napi_tsfn_blocking);
  napi_release_threadsafe_function(done, napi_tsfn_release);
  return NULL;
}

static void deliver(napi_env env, napi_value done, void *context, void *data) {
  (void)context;
  child *self = data;
  int status = 0;
  while (waitpid(self->pid, &status, 0) < 0 && errno == EINTR);
  free(self);
  if (env == NULL) return;
  napi_value receiver, argument;
  napi_get_undefined(env, &receiver);
  napi_create_int32(env, status, &argument);
  napi_call_function(env, receiver, done, 1, &argument, NULL);
}

static int64_t start_and_watch(napi_env env, napi_value done, const command *request) {
  napi_value name;
  child *self = malloc(sizeof *self);
  if (self == NULL) return -ENOMEM;
  if (napi_create_string_utf8(env, "holdfast child", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(env, done, NULL, name, 0, 1, NULL, NULL, NULL, deliver, &self->done) != napi_ok) {
    free(self);
    return -EINVAL;
  }
  pid_t pid = self->pid = start(request);
  int result = pid < 0 ? pid : thread_start(wait_for, self);
  if (result == 0) return pid;
  if (pid > 0) {
    /* No process would wait for it. */
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR);
  }
  napi_release_threadsafe_function(self->done, napi_tsfn_abort);
  free(self);
  return result;
}

napi_value spawn_node(napi_env env, napi_callback_info info) {
  napi_value values[4], result = NULL;
  size_t count = 4, word_length, change_length;
  void *words, *changes, *numbers;
  command self = {0};
  int64_t pid = -EINVAL;
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) == napi_ok && count == 4 &&
      napi_get_buffer_info(env, values[0], &words, &word_length) == napi_ok &&
      napi_get_buffer_info(env, values[1], &changes, &change_length) == napi_ok &&
      napi_get_typedarray_info(env, values[2], NULL, &self.descriptor_count, &numbers, NULL, NULL) == napi_ok) {
    char **list = list_texts(changes, change_length);
    self.descriptors = numbers;
    self.open_files = open_files_before_node();
    self.words = list_texts(words, word_length);
    self.environment = list == NULL ? NULL : change_environment(list);
    if (self.words == NULL || self.environment == NULL) pid = -ENOMEM;
    else if (self.words[0] != NULL) pid = start_and_watch(env, values[3], &self);
    free(self.words);
    free(self.environment);
    free(list);
  }
  napi_create_double(env, (double)pid, &result);
  return result;
}
