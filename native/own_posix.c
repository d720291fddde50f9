/* src/files/open-own.ts has the same rule for machines without the addon; test/files/open-own.test.ts runs both. */
#include "own.h"
#include "lock.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
#define status_of(fd, into) ((int)syscall(SYS_fstat, fd, into))
#define WALK (O_PATH | O_DIRECTORY | O_CLOEXEC)
#else
#define status_of(fd, into) fstat(fd, into)
#define WALK (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#endif

/* In a place that its group writes, a member's file is as good as the owner's, if the group is what it belongs to. */
static bool is_trusted(const own_path *own, const struct stat *place, const struct stat *found) {
  if (own->owner == OWN_ANYONE) return true;
  if (found->st_mode & S_IWOTH) return false;
  uid_t uid = found->st_uid;
  if (uid == 0 || uid == geteuid() || uid == place->st_uid || (int64_t)uid == own->owner) return true;
  return place->st_mode & S_IWGRP && found->st_gid == place->st_gid;
}

/* The place of "/x" is "/", of "x" it is "."; NULL when the path has fewer components than `depth`. */
static char *split(char *path, int depth, const char **place) {
  char *cut = path + strlen(path);
  for (int i = 0; i < depth; i++) {
    while (cut > path && cut[-1] != '/') cut--;
    if (i + 1 == depth) break;
    if (cut == path) return NULL;
    cut--;
  }
  if (cut == path) *place = ".";
  else if (cut == path + 1) *place = "/";
  else {
    cut[-1] = '\0';
    *place = path;
  }
  return cut;
}

static int step(const own_path *own, int from, const char *name, int flags, const struct stat *place) {
  struct stat found;
  int fd = openat(from, name, flags | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -errno;
  int result = status_of(fd, &found) < 0 ? -errno : fd;
  bool is_right_type = flags & O_DIRECTORY ? S_ISDIR(found.st_mode) : S_ISREG(found.st_mode);
  if (result >= 0 && (!is_right_type || !is_trusted(own, place, &found))) result = -EPERM;
  if (result < 0) close(fd);
  return result;
}

int own_open(const own_path *own, int flags) {
  char text[PATH_BYTES];
  const char *place_path;
  struct stat place;
  size_t size = strlen(own->path) + 1;
  if (size > sizeof text) return -ENAMETOOLONG;
  memcpy(text, own->path, size);
  char *name = split(text, own->depth, &place_path);
  if (name == NULL) return -EINVAL;
  int fd = open(place_path, WALK);
  if (fd < 0) return -errno;
  int result = status_of(fd, &place) < 0 ? -errno : fd;
  for (int left = own->depth; result >= 0 && left > 0; left--) {
    char *end = strchr(name, '/');
    if (end != NULL) *end = '\0';
    result = step(own, fd, name, left > 1 ? WALK : flags | O_NONBLOCK | O_NOCTTY, &place);
    close(fd);
    fd = result;
    if (end != NULL) name = end + 1;
  }
  if (result < 0 && fd >= 0) close(fd);
  return result;
}
