/* What a file is, and its way to the disk. Included by the durable writes and appends of POSIX systems. */
#ifndef HOLDFAST_SYNC_POSIX_H
#define HOLDFAST_SYNC_POSIX_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
/* As in lock_posix.h: the C library's wrappers are not there in every version. */
#define status_of(fd, into) ((int)syscall(SYS_fstat, fd, into))
#define status_at(fd, name, into) ((int)syscall(SYS_newfstatat, fd, name, into, AT_SYMLINK_NOFOLLOW))
#define sync_file(fd) fsync(fd)
#else
#define status_of(fd, into) fstat(fd, into)
#define status_at(fd, name, into) fstatat(fd, name, into, AT_SYMLINK_NOFOLLOW)
/* macOS: fsync leaves the data in the drive's cache (fsync(2)); not every file system there knows the stronger form. */
static inline int sync_file(int fd) { return fcntl(fd, F_FULLFSYNC) == 0 ? 0 : fsync(fd); }
#endif

#endif
