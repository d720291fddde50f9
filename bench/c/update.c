/*
 * update DIRECTORY BYTES COUNT: locks, reads a file, replaces it as durably as POSIX allows, unlocks; prints microseconds
 * per update. The limit for anything that makes the same calls.
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

static void update(char *data, size_t size) {
  int lock = open("c.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  check(lock >= 0 && flock(lock, LOCK_EX) == 0, "lock");
  int old = open("c.json", O_RDONLY | O_CLOEXEC);
  if (old >= 0) {
    check(read(old, data, size) >= 0, "read");
    close(old);
  }
  int parent = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int file = openat(parent, ".c.tmp", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  check(parent >= 0 && file >= 0, "open");
  check(write(file, data, size) == (ssize_t)size, "write");
  check(fsync(file) == 0, "fsync");
  check(renameat(parent, ".c.tmp", parent, "c.json") == 0, "rename");
  check(fsync(parent) == 0, "fsync directory");
  close(file);
  close(parent);
  flock(lock, LOCK_UN);
  close(lock);
}

int main(int argc, char **argv) {
  if (argc != 4 || chdir(argv[1]) != 0) return 1;
  size_t size = (size_t)atol(argv[2]);
  int count = atoi(argv[3]);
  char *data = malloc(size);
  memset(data, 'x', size);
  struct timespec begin, end;
  for (int i = 0; i < count / 5 + 1; i++) update(data, size);
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (int i = 0; i < count; i++) update(data, size);
  clock_gettime(CLOCK_MONOTONIC, &end);
  double ns = (double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec);
  printf("%f\n", ns / 1e3 / count);
  return 0;
}
