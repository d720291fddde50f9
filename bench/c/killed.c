/* killed PATH N: median milliseconds from kill(SIGKILL) of the holder to the return of flock in this process. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static int order(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return difference < 0 ? -1 : difference > 0;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  int count = atoi(argv[2]);
  double samples[1000];
  for (int i = 0; i < count && i < 1000; i++) {
    int ready[2], timed[2];
    char byte;
    if (pipe(ready) < 0 || pipe(timed) < 0) return 1;
    pid_t holder = fork();
    if (holder == 0) {
      flock(open(argv[1], O_RDWR | O_CREAT, 0666), LOCK_EX);
      if (write(ready[1], "r", 1) < 0) return 1;
      pause();
    }
    if (read(ready[0], &byte, 1) != 1) return 1;
    pid_t waiter = fork();
    if (waiter == 0) {
      int fd = open(argv[1], O_RDWR | O_CREAT, 0666);
      flock(fd, LOCK_EX);
      double at = now_ms();
      return write(timed[1], &at, sizeof at) < 0;
    }
    usleep(20000);
    double killed = now_ms(), granted;
    kill(holder, SIGKILL);
    if (read(timed[0], &granted, sizeof granted) < 0) return 1;
    samples[i] = granted - killed;
    waitpid(holder, NULL, 0);
    waitpid(waiter, NULL, 0);
    close(ready[0]), close(ready[1]), close(timed[0]), close(timed[1]);
  }
  qsort(samples, count, sizeof *samples, order);
  printf("%.4f\n", samples[count / 2]);
  return 0;
}
