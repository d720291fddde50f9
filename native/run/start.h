#ifndef HOLDFAST_RUN_START_H
#define HOLDFAST_RUN_START_H

#include <stdint.h>

/* What the command gets of its own. */
typedef struct {
  char **arguments; /* one place before the first must be free */
  char *const *environment;
  uint64_t mask; /* of signals */
  int parent;    /* the process above the wrapper; it has the limit of open files that Node has raised */
} command_start;

/*
 * Forks and executes what `command` says.
 * Returns the pid, or -errno. `error` becomes the errno of the exec; then the child has ended and is to be reaped.
 */
int start_command(const command_start *command, int *error);

#endif
