/* writer PATH READERS CAP_MS: milliseconds until a plain flock(2) writer gets in among readers that overlap, or the cap. */
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

static void wake(int signal) { (void)signal; }

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int readers = atoi(argv[2]), cap_ms = atoi(argv[3]);
  pid_t children[64];
  for (int i = 0; i < readers && i < 64; i++) {
    if ((children[i] = fork()) != 0) continue;
    int fd = open(argv[1], O_RDWR | O_CREAT, 0666);
    for (;;) {
      flock(fd, LOCK_SH);
      usleep(5000);
      flock(fd, LOCK_UN);
    }
  }
  usleep(100000);
  struct sigaction action = {.sa_handler = wake};
  sigaction(SIGALRM, &action, NULL);
  int fd = open(argv[1], O_RDWR | O_CREAT, 0666);
  alarm((cap_ms + 999) / 1000);
  double at = now_ms();
  int result = flock(fd, LOCK_EX);
  double waited = now_ms() - at;
  for (int i = 0; i < readers && i < 64; i++) kill(children[i], SIGKILL);
  while (wait(NULL) > 0) continue;
  printf("%.2f\n", result == 0 ? waited : (double)cap_ms);
  return 0;
}
