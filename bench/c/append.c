// argv: directory, bytes of a line, count. Prints microseconds per append: open, write, fsync, close.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv) {
  if (argc != 4 || chdir(argv[1]) != 0) return 1;
  size_t length = (size_t)atoi(argv[2]);
  int count = atoi(argv[3]);
  char *line = malloc(length);
  memset(line, 'x', length);
  line[length - 1] = '\n';
  double begin = 0;
  for (int i = -count / 10; i < count; i++) {
    if (i == 0) begin = now_us();
    int fd = open("c.jsonl", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, length) != (ssize_t)length || fsync(fd) != 0 || close(fd) != 0) return 1;
  }
  printf("%f\n", (now_us() - begin) / count);
  return 0;
}
