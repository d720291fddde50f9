/* fairness PATH PROCESSES MS: plain flock(2) in a loop with 1 ms sections. Prints {share, wait, perSecond}. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct result {
  long turns;
  double longest_ms;
};

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int processes = atoi(argv[2]);
  double for_ms = atof(argv[3]), start = now_ms() + 50;
  struct result *all = mmap(NULL, processes * sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < processes; i++) {
    if (fork() != 0) continue;
    int fd = open(argv[1], O_RDWR | O_CREAT, 0666);
    while (now_ms() < start) usleep(100);
    while (now_ms() < start + for_ms) {
      double asked = now_ms();
      flock(fd, LOCK_EX);
      double waited = now_ms() - asked;
      if (waited > all[i].longest_ms) all[i].longest_ms = waited;
      usleep(1000);
      all[i].turns++;
      flock(fd, LOCK_UN);
    }
    return 0;
  }
  while (wait(NULL) > 0) continue;
  long least = all[0].turns, most = all[0].turns, sum = 0;
  double longest = 0;
  for (int i = 0; i < processes; i++) {
    if (all[i].turns < least) least = all[i].turns;
    if (all[i].turns > most) most = all[i].turns;
    if (all[i].longest_ms > longest) longest = all[i].longest_ms;
    sum += all[i].turns;
  }
  printf("{\"share\":%.4f,\"wait\":%.2f,\"perSecond\":%.1f}\n", (double)least / most, longest, sum / (for_ms / 1e3));
  return 0;
}
