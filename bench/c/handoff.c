/* handoff PATH N: median microseconds from LOCK_UN in one process to the return of flock in another. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int order(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return difference < 0 ? -1 : difference > 0;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int count = atoi(argv[2]), go[2], done[2];
  double samples[1000];
  if (count < 1 || count > 1000 || pipe(go) < 0 || pipe(done) < 0) return 1;
  pid_t child = fork();
  if (child == 0) {
    int fd = open(argv[1], O_RDWR | O_CREAT, 0666);
    char byte;
    close(go[1]);
    while (read(go[0], &byte, 1) == 1) {
      flock(fd, LOCK_EX);
      double at = now();
      flock(fd, LOCK_UN);
      if (write(done[1], &at, sizeof at) < 0) return 1;
    }
    return 0;
  }
  int fd = open(argv[1], O_RDWR | O_CREAT, 0666);
  for (int i = 0; i < count; i++) {
    double granted;
    flock(fd, LOCK_EX);
    if (write(go[1], "g", 1) < 0) return 1;
    usleep(5000 + rand() % 5000);
    double at = now();
    flock(fd, LOCK_UN);
    if (read(done[0], &granted, sizeof granted) < 0) return 1;
    samples[i] = granted - at;
  }
  close(go[1]);
  waitpid(child, NULL, 0);
  qsort(samples, count, sizeof *samples, order);
  printf("%.2f\n", samples[count / 2]);
  return 0;
}
