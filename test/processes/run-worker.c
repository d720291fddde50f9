/*
 * run-worker LOG LONGEST_MS: a command that records when it works. Itself, a child, and a grandchild that has left by a
 * double fork into a session of its own write `HOLDER NANOSECONDS` (CLOCK_MONOTONIC) every 2 ms, deaf to TERM, until a
 * random time up to LONGEST_MS is over. The command ends last: what is left of it after that is no fault of its own.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* One write of less than a page: the kernel appends it whole. */
static void record(int log, const char *holder) {
  char line[128];
  int length = snprintf(line, sizeof line, "%s %lld\n", holder, now_ns());
  if (write(log, line, (size_t)length) != length) _exit(3);
}

static void work(int log, const char *holder, long long until) {
  while (now_ns() < until) {
    record(log, holder);
    usleep(2000);
  }
}

int main(int count, char **arguments) {
  const char *holder = getenv("HOLDFAST_HOLDER");
  int ended[2];
  int log = count == 3 ? open(arguments[1], O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
  if (holder == NULL || log < 0 || pipe(ended) < 0) return 2;
  record(log, holder);
  signal(SIGTERM, SIG_IGN);
  long long start = now_ns();
  long long until = start + (start / 1000 % atoi(arguments[2])) * 1000000;
  if (fork() == 0) {
    work(log, holder, until);
    _exit(0);
  }
  if (fork() == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    work(log, holder, until);
    _exit(0);
  }
  work(log, holder, until);
  close(ended[1]);
  char nothing;
  while (read(ended[0], &nothing, 1) > 0) continue;
  while (wait(NULL) > 0) continue;
  record(log, holder);
  return 0;
}
