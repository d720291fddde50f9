/* Access control lists of files that are replaced. */
#ifndef HOLDFAST_ACL_H
#define HOLDFAST_ACL_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Gives the file open as `fd` the access control list of `name` in `directory`, before its mode is set to `mode`. With a
 * list, the group bits of a mode are its mask. Returns the group bits that the new file may have: those of `mode` where
 * the list was kept or there is none, otherwise no more than the group's own entry. Without `is_group_kept` the group is
 * another one, and gets what all others have.
 */
mode_t acl_take_over(const char *directory, const char *name, int fd, mode_t mode, bool is_group_kept);

/*
 * What the owning group of `path`, or with NULL of the file open as `fd`, may do by itself: 0 to 7; -1 without an access
 * control list. With a list, the group bits of a mode are its mask: what single users may do at most.
 */
int acl_group(const char *path, int fd);

#endif
