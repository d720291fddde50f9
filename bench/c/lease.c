/*
 * lease DIRECTORY COUNT: what taking and releasing a free lease asks of the disk. Lists the directory, writes a record
 * beside (temporary file, fsync, rename, fsync of the directory), renames the state, syncs the directory, lists again;
 * then renames the state back and removes the record. Prints microseconds per take, without the release.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void check(int is_good, const char *what) {
  if (is_good) return;
  perror(what);
  exit(1);
}

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void list(void) {
  DIR *directory = opendir("lease");
  check(directory != NULL, "list");
  while (readdir(directory) != NULL) continue;
  closedir(directory);
}

static void sync_directory(void) {
  int directory = open("lease", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(directory >= 0 && fsync(directory) == 0, "sync");
  close(directory);
}

static void take(void) {
  static char record[260];
  list();
  int file = open("lease/t.temporary", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0664);
  check(file >= 0 && write(file, record, sizeof record) == sizeof record && fsync(file) == 0, "write");
  close(file);
  check(rename("lease/t.temporary", "lease/i.record.json") == 0, "rename");
  sync_directory();
  check(rename("lease/s.free", "lease/s.held") == 0, "rename");
  sync_directory();
  list();
}

int main(int argc, char **argv) {
  if (argc != 3 || chdir(argv[1]) != 0) return 1;
  int count = atoi(argv[2]);
  double total = 0;
  if (mkdir("lease", 0777) == 0) close(open("lease/s.free", O_WRONLY | O_CREAT, 0664));
  for (int i = -count / 5; i < count; i++) {
    double begin = now_us();
    take();
    if (i >= 0) total += now_us() - begin;
    check(rename("lease/s.held", "lease/s.free") == 0 && unlink("lease/i.record.json") == 0, "release");
  }
  printf("%f\n", total / count);
  return 0;
}
