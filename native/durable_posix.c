/*
 * write(temp), fsync(temp), rename, fsync(directory): POSIX promises the content only after the first sync and the
 * name only after the second. Everything goes through the directory's descriptor, so a renamed parent cannot split it.
 */
#include "acl.h"
#include "durable.h"
#include "sync_posix.h"

#include <stdio.h>
#include <sys/file.h>

enum { PRIVATE_MODE = 0600, MODE_BITS = 07777, CHUNK_BYTES = 1 << 30 };

void durable_initialise(durable_write *self) {
  self->directory_fd = self->temp_fd = -1;
  self->has_temp = false;
  self->step = 0;
}

void durable_close(durable_write *self) {
  if (self->has_temp) unlinkat(self->directory_fd, self->temp, 0);
  if (self->temp_fd >= 0) close(self->temp_fd);
  if (self->directory_fd >= 0) close(self->directory_fd);
  self->has_temp = false;
  self->directory_fd = self->temp_fd = -1;
}

static int look_at_target(durable_write *self, struct stat *target, bool *exists) {
  *exists = status_at(self->directory_fd, self->name, target) == 0;
  if (!*exists) return errno == ENOENT ? 0 : -errno;
  if (S_ISLNK(target->st_mode)) return -ELOOP;
  if (S_ISDIR(target->st_mode)) return -EISDIR;
  /* The rename would put a file where a device or a FIFO was. */
  return S_ISREG(target->st_mode) ? 0 : -EINVAL;
}

/* A file system without locks is no reason to fail; a lock there is no proof either. */
static int lock_temp(const durable_write *self) {
  return flock(self->temp_fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK ? -EAGAIN : 0;
}

static int write_all(const durable_write *self) {
  const char *next = self->data;
  size_t left = self->length;
  while (left > 0) {
    ssize_t written = write(self->temp_fd, next, left < CHUNK_BYTES ? left : CHUNK_BYTES);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? -errno : -EIO;
    next += written;
    left -= (size_t)written;
  }
  return 0;
}

/* In a place that its group writes, as a shared project directory is, a new file belongs to that group. */
static mode_t new_mode(const durable_write *self, const struct stat *temp) {
  struct stat place;
  if (status_of(self->directory_fd, &place) < 0 || !(place.st_mode & S_IWGRP)) return PRIVATE_MODE;
  int group = acl_group(NULL, self->directory_fd);
  /* Unless the new file has a list, its group bits are the group's own. */
  if (group >= 0 && !(group & S_IWOTH) && acl_group(NULL, self->temp_fd) < 0) return PRIVATE_MODE;
  bool is_everybodys = place.st_mode & S_IWOTH && place.st_mode & S_ISVTX;
  if (is_everybodys || (place.st_gid != temp->st_gid && fchown(self->temp_fd, (uid_t)-1, place.st_gid) < 0)) {
    return PRIVATE_MODE;
  }
  return PRIVATE_MODE | S_IRGRP | S_IWGRP;
}

/*
 * The owner first, because fchown(2) clears bits of the mode. Where the group cannot be kept, its rights would go to
 * another group: it gets those of all others.
 */
static mode_t take_over_owner(const durable_write *self, const struct stat *target, const struct stat *temp) {
  mode_t mode = target->st_mode & MODE_BITS;
  bool is_group_kept = target->st_gid == temp->st_gid || fchown(self->temp_fd, (uid_t)-1, target->st_gid) == 0;
  mode_t group = acl_take_over(self->directory, self->name, self->temp_fd, mode, is_group_kept);
  mode = (mode & ~(mode_t)S_IRWXG) | group;
  if (!is_group_kept) mode &= ~(mode_t)S_ISGID;
  if (target->st_uid != temp->st_uid && fchown(self->temp_fd, target->st_uid, (gid_t)-1) < 0) {
    mode &= ~(mode_t)S_ISUID;
  }
  return mode;
}

/* vfat, drvfs and some FUSE have no modes and say so in one of these ways; the temp is ours, so it is not about rights. */
static bool is_chmod_unsupported(int error) {
  return error == EPERM || error == ENOTSUP || error == EOPNOTSUPP || error == ENOSYS;
}

static int take_over_rights(const durable_write *self, const struct stat *target, const struct stat *temp) {
  bool is_default = target == NULL && self->mode < 0;
  mode_t mode = target == NULL ? PRIVATE_MODE : take_over_owner(self, target, temp);
  if (is_default) mode = new_mode(self, temp);
  if (self->mode >= 0) mode = (mode_t)self->mode & MODE_BITS;
  struct stat now;
  if (status_of(self->temp_fd, &now) < 0) return -errno;
  if ((now.st_mode & MODE_BITS) == mode || fchmod(self->temp_fd, mode) == 0) return 0;
  return is_default && is_chmod_unsupported(errno) ? 0 : -errno;
}

static int fill_temp(durable_write *self, const struct stat *target) {
  struct stat temp;
  self->step = DURABLE_LOCK;
  int result = lock_temp(self);
  if (result < 0) return result;
  self->step = DURABLE_WRITE;
  result = write_all(self);
  if (result < 0) return result;
  if (status_of(self->temp_fd, &temp) < 0) return -errno;
  /* A sweep that met the temp before it was locked has removed it: the caller starts over with another. */
  if (temp.st_nlink == 0) {
    self->step = DURABLE_LOCK;
    return -EAGAIN;
  }
  /* A full or failing disk must never get as far as the rename. */
  if ((uint64_t)temp.st_size != self->length) return -EIO;
  result = take_over_rights(self, target, &temp);
  if (result < 0) return result;
  self->step = DURABLE_SYNC;
  return sync_file(self->temp_fd) < 0 ? -errno : 0;
}

int durable_prepare(durable_write *self) {
  struct stat target;
  bool exists = false;
  self->step = DURABLE_OPEN_DIRECTORY;
  self->directory_fd = open(self->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->directory_fd < 0) return -errno;
  self->step = DURABLE_CREATE;
  int result = look_at_target(self, &target, &exists);
  if (result == 0) {
    self->temp_fd = openat(self->directory_fd, self->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, PRIVATE_MODE);
    if (self->temp_fd < 0) result = -errno;
    self->has_temp = self->temp_fd >= 0;
  }
  if (result == 0) result = fill_temp(self, exists ? &target : NULL);
  if (result < 0) durable_close(self);
  return result;
}

int durable_commit(durable_write *self) {
  self->step = DURABLE_RENAME;
  if (renameat(self->directory_fd, self->temp, self->directory_fd, self->name) < 0) {
    int result = -errno;
    durable_close(self);
    return result;
  }
  return durable_finish(self);
}

int durable_finish(durable_write *self) {
  self->step = DURABLE_SYNC_DIRECTORY;
  self->has_temp = false;
  int result = sync_file(self->directory_fd) < 0 ? -errno : 0;
  durable_close(self);
  return result;
}
