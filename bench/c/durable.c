/*
 * durable DIRECTORY BYTES COUNT: replaces a file so many times, as durably as POSIX allows, and prints microseconds per
 * replacement. The limit for anything that makes the same calls.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static void check(int is_good, const char *what) {
  if (is_good) return;
  perror(what);
  exit(1);
}

static void replace(const char *directory, const char *data, size_t size) {
  int parent = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(parent >= 0, "open directory");
  int file = openat(parent, ".f.tmp", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  check(file >= 0, "open");
  check(write(file, data, size) == (ssize_t)size, "write");
  check(fsync(file) == 0, "fsync");
  check(renameat(parent, ".f.tmp", parent, "f") == 0, "rename");
  check(fsync(parent) == 0, "fsync directory");
  close(file);
  close(parent);
}

int main(int argc, char **argv) {
  (void)argc;
  size_t size = (size_t)atol(argv[2]);
  int count = atoi(argv[3]);
  char *data = malloc(size);
  memset(data, 'x', size);
  struct timespec begin, end;
  for (int i = 0; i < count / 10 + 1; i++) replace(argv[1], data, size);
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (int i = 0; i < count; i++) replace(argv[1], data, size);
  clock_gettime(CLOCK_MONOTONIC, &end);
  double ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
  printf("%f\n", ns / 1e3 / count);
  return 0;
}
