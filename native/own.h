/*
 * Opening what has a name of ours in a directory that others may write: a link, a FIFO or a file of another user under
 * such a name is not ours. Nothing here knows about Node.
 */
#ifndef HOLDFAST_OWN_H
#define HOLDFAST_OWN_H

#include <stdint.h>

enum { OWN_ANYONE = -2, OWN_NONE = -1 };

/* The last `depth` components of the path have names of ours; what lies above is the place, named by the user. */
typedef struct {
  const char *path;
  int depth;
  int64_t owner; /* one more user who is trusted; OWN_NONE; OWN_ANYONE: the owner does not matter */
} own_path;

/*
 * Opens the file, or with O_DIRECTORY the directory, component by component, following links only in the place. Never
 * creates. -EPERM: a component is of the wrong type, of an owner who is not trusted, or others may write it; -ELOOP or
 * -ENOTDIR: a component is a link.
 */
int own_open(const own_path *own, int flags);

#endif
