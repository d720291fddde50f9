#ifndef HOLDFAST_RUN_START_H
#define HOLDFAST_RUN_START_H

#include <stdint.h>

/*
 * Forks and executes `arguments` (one place before the first must be free) with `environment` and the signal mask `mask`.
 * Returns the pid, or -errno. `error` becomes the errno of the exec; then the child has ended and is to be reaped.
 */
int start_command(char **arguments, char *const *environment, uint64_t mask, int *error);

#endif
