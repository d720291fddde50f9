/* take PATH plain|pid OPERATIONS: microseconds of one take and release, with the system calls that a careful lock needs. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void take(const char *path, int with_pid) {
  struct stat opened, named;
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) exit(1);
  if (fstat(fd, &opened) < 0 || stat(path, &named) < 0) exit(1);
  if (opened.st_ino != named.st_ino || opened.st_dev != named.st_dev) exit(1);
  if (with_pid) {
    /* Without truncating first, as pidfile_write(3) does: ext4 writes a truncated file out at its close (mount option
       auto_da_alloc), which takes fifty times as long as all of this. */
    char text[32];
    int length = snprintf(text, sizeof text, "%d\n", getpid());
    if (pwrite(fd, text, length, 0) != length) exit(1);
    if (opened.st_size != length && ftruncate(fd, length) < 0) exit(1);
  }
  if (flock(fd, LOCK_UN) < 0 || close(fd) < 0) exit(1);
}

static int order(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return difference < 0 ? -1 : difference > 0;
}

static double batch(const char *path, int with_pid) {
  double start = now();
  for (int i = 0; i < 100; i++) take(path, with_pid);
  return (now() - start) / 100;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int with_pid = strcmp(argv[2], "pid") == 0, batches = atoi(argv[3]) / 100;
  double *samples = calloc(batches, sizeof *samples);
  for (int i = 0; i < batches; i++) batch(argv[1], with_pid);
  for (int i = 0; i < batches; i++) samples[i] = batch(argv[1], with_pid);
  qsort(samples, batches, sizeof *samples, order);
  printf("%.4f\n", samples[batches / 2]);
  return 0;
}
