/* acl(5) as the kernel keeps it: an extended attribute of a version and entries, little-endian (posix_acl_xattr.h). */
#include "acl.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static mode_t others_as_group(mode_t mode) { return (mode & S_IRWXO) << 3; }

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>

enum { GROUP_OWNER = 0x04, OTHERS = 0x20, PATH_MAX_BYTES = 8192, ENTRIES_MAX = 1024 };

typedef struct {
  uint16_t tag, permissions;
  uint32_t id;
} entry;

typedef struct {
  uint32_t version;
  entry entries[ENTRIES_MAX];
} list;

static const char attribute[] = "system.posix_acl_access";

static entry *find(list *acl, int count, int tag) {
  for (int i = 0; i < count; i++) {
    if (acl->entries[i].tag == tag) return &acl->entries[i];
  }
  return NULL;
}

int acl_group(const char *path, int fd) {
  list acl;
  long size = path == NULL ? syscall(SYS_fgetxattr, fd, attribute, &acl, sizeof acl)
                           : syscall(SYS_getxattr, path, attribute, &acl, sizeof acl);
  /* More than a thousand entries: nothing is known of the group. */
  if (size < 0) return errno == ERANGE ? 0 : -1;
  const entry *group = find(&acl, (int)((size - (long)sizeof acl.version) / (long)sizeof(entry)), GROUP_OWNER);
  return group == NULL ? -1 : group->permissions & 7;
}

mode_t acl_take_over(const char *directory, const char *name, int fd, mode_t mode, bool is_group_kept) {
  char path[PATH_MAX_BYTES];
  list acl;
  mode_t plain = is_group_kept ? mode & S_IRWXG : others_as_group(mode);
  if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path) return others_as_group(mode);
  long size = syscall(SYS_lgetxattr, path, attribute, &acl, sizeof acl);
  /* ERANGE: a list of more than a thousand entries. The group of a mode is its mask then. */
  if (size < 0) return errno == ERANGE ? others_as_group(mode) & mode : plain;
  int count = (int)((size - (long)sizeof acl.version) / (long)sizeof(entry));
  entry *group = find(&acl, count, GROUP_OWNER), *others = find(&acl, count, OTHERS);
  if (group == NULL || others == NULL) return plain;
  if (!is_group_kept) group->permissions = others->permissions;
  if (syscall(SYS_fsetxattr, fd, attribute, &acl, (size_t)size, 0) == 0) return mode & S_IRWXG;
  return (mode_t)(group->permissions & 7) << 3 & mode;
}
#else
int acl_group(const char *path, int fd) {
  (void)path, (void)fd;
  return -1;
}

mode_t acl_take_over(const char *directory, const char *name, int fd, mode_t mode, bool is_group_kept) {
  (void)directory, (void)name, (void)fd;
  return is_group_kept ? mode & S_IRWXG : others_as_group(mode);
}
#endif
