/* Preloaded: between the decision to block in flock(2) and the call lie 100 ms. */
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

int flock(int fd, int operation) {
  if (operation == LOCK_EX) usleep(100000);
  return (int)syscall(SYS_flock, fd, operation);
}
