#ifndef HOLDFAST_RUN_TREE_H
#define HOLDFAST_RUN_TREE_H

#include <stdbool.h>

/*
 * Sends `signal` to every descendant of this process, again until a look finds no new one (at most TREE_ROUNDS looks).
 * Where /proc is not this process's own, to its children: of them `root`, and those whose parents have ended. Returns false
 * when none was found.
 */
bool tree_signal(int root, int signal);

/* Reaps what has ended; hands the status of `root` to `status`. Returns false when no child and so no descendant is left. */
bool tree_reap(int root, int *status, bool *has_ended);

#endif
