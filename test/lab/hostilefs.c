/*
 * A file system that passes everything on to a folder, badly:
 *
 *   hostilefs ROOT MOUNTPOINT [KNOB=VALUE...]
 *
 *   flock=ENOSYS|ENOLCK|EOPNOTSUPP  every flock fails so
 *   flock=local       never asked, so the kernel of this mount decides
 *   flock=EACCES      how cifs says that another has it
 *   excl=broken       O_EXCL looks first and creates later
 *   link=EPERM        no hard links
 *   rename=copy       looks, copies, unlinks, as object stores do
 *   busy=N            every Nth rename fails with EBUSY
 *   deaf=N            every Nth rename works and says EIO
 *   mtime=1           time stamps in whole seconds
 *   listing=MS        a listing may be that old
 *   latency=US        before every call
 *   stale=open|read|stat  times=N  the first N of these calls on a file called `data`: the kernel asks twice where a path is
 *                     looked up. stat is whatever looks at it, by name or open
 *   source=TEXT       what the mount table says that is mounted; subtype=TEXT: by which program
 *
 * Two mounts of one folder are two hosts as far as caches and locks go.
 */
#define FUSE_USE_VERSION 35
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, GAP_US = 3000 };

static char root[PATH_SIZE];
static const char *source = "hostilefs", *subtype = "hostilefs";
static int flock_errno, link_errno;
static bool is_flock_local, is_excl_broken, is_rename_copy, is_mtime_coarse;
static long busy_every, deaf_every, listing_ms, latency_us, stale_times;
static const char *stale = "";
static atomic_long renames, stale_answers;

static int result(int value) { return value < 0 ? -errno : value; }

static void pause_us(long us) {
  struct timespec time = {us / 1000000, us % 1000000 * 1000};
  nanosleep(&time, NULL);
}

static const char *under_root(const char *path, char into[PATH_SIZE]) {
  if (latency_us > 0) pause_us(latency_us);
  snprintf(into, PATH_SIZE, "%s%s", root, path);
  return into;
}
#define REAL(path) under_root(path, (char[PATH_SIZE]){0})

static bool is_stale(const char *call, const char *path) {
  return strcmp(call, stale) == 0 && path != NULL && strcmp(path, "/data") == 0 && stale_answers++ < stale_times;
}

static void on_interrupt(int signal) { (void)signal; }

static void *hostile_init(struct fuse_conn_info *connection, struct fuse_config *config) {
  (void)connection;
  config->use_ino = 1;
  /* A flock that blocks in here is interrupted by SIGUSR1, which libfuse sends and, set this late, has no handler for. */
  config->intr = 1;
  sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_interrupt}, NULL);
  config->direct_io = 1;
  config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
  return NULL;
}

static int hostile_getattr(const char *path, struct stat *status, struct fuse_file_info *file) {
  if (is_stale("stat", path)) return -ESTALE;
  int value = file != NULL ? fstat(file->fh, status) : lstat(REAL(path), status);
  if (is_mtime_coarse) status->st_mtim.tv_nsec = status->st_ctim.tv_nsec = status->st_atim.tv_nsec = 0;
  return result(value);
}

/* One folder's listing, kept. */
struct listing {
  struct listing *next;
  char *path, *names;
  size_t size;
  double at;
};
static struct listing *listings;
static pthread_mutex_t listings_lock = PTHREAD_MUTEX_INITIALIZER;

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static int read_listing(const char *path, struct listing *listing) {
  DIR *folder = opendir(REAL(path));
  if (folder == NULL) return -errno;
  free(listing->names);
  listing->names = NULL;
  FILE *out = open_memstream(&listing->names, &listing->size);
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) fwrite(entry->d_name, strlen(entry->d_name) + 1, 1, out);
  fclose(out);
  closedir(folder);
  listing->at = now_ms();
  return 0;
}

static int hostile_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
                           struct fuse_file_info *file, enum fuse_readdir_flags flags) {
  (void)offset, (void)file, (void)flags;
  pthread_mutex_lock(&listings_lock);
  struct listing *listing = listings;
  while (listing != NULL && strcmp(listing->path, path) != 0) listing = listing->next;
  if (listing == NULL) {
    listing = calloc(1, sizeof *listing);
    listing->path = strdup(path);
    listing->next = listings;
    listings = listing;
  }
  int value = 0;
  if (listing->names == NULL || now_ms() - listing->at >= listing_ms) value = read_listing(path, listing);
  for (size_t i = 0; value == 0 && i < listing->size; i += strlen(listing->names + i) + 1) fill(buffer, listing->names + i, NULL, 0, 0);
  pthread_mutex_unlock(&listings_lock);
  return value;
}

static int keep(struct fuse_file_info *file, int descriptor) {
  if (descriptor < 0) return -errno;
  file->fh = descriptor;
  return 0;
}

static int hostile_open(const char *path, struct fuse_file_info *file) {
  if (is_stale("open", path)) return -ESTALE;
  return keep(file, open(REAL(path), file->flags & ~(O_EXCL | O_CREAT)));
}

static int hostile_create(const char *path, mode_t mode, struct fuse_file_info *file) {
  int flags = file->flags;
  if (is_excl_broken && flags & O_EXCL) {
    struct stat status;
    if (lstat(REAL(path), &status) == 0) return -EEXIST;
    pause_us(GAP_US);
    flags &= ~O_EXCL;
  }
  return keep(file, open(REAL(path), flags, mode));
}

static int hostile_read(const char *path, char *into, size_t size, off_t offset, struct fuse_file_info *file) {
  if (is_stale("read", path)) return -ESTALE;
  return result(pread(file->fh, into, size, offset));
}

static int hostile_write(const char *path, const char *from, size_t size, off_t offset, struct fuse_file_info *file) {
  (void)path;
  return result(pwrite(file->fh, from, size, offset));
}

static int hostile_release(const char *path, struct fuse_file_info *file) {
  (void)path;
  close(file->fh);
  return 0;
}

static int hostile_fsync(const char *path, int is_data_only, struct fuse_file_info *file) {
  (void)path, (void)is_data_only;
  return result(fsync(file->fh));
}

static int hostile_unlink(const char *path) { return result(unlink(REAL(path))); }
static int hostile_mkdir(const char *path, mode_t mode) { return result(mkdir(REAL(path), mode)); }
static int hostile_rmdir(const char *path) { return result(rmdir(REAL(path))); }
static int hostile_chmod(const char *path, mode_t mode, struct fuse_file_info *file) {
  (void)file;
  return result(chmod(REAL(path), mode));
}

static int hostile_link(const char *from, const char *to) {
  return link_errno != 0 ? -link_errno : result(link(REAL(from), REAL(to)));
}

/* Folders too: their entries go one by one. */
static int copy_and_unlink(const char *from, const char *to) {
  struct stat status;
  char command[3 * PATH_SIZE];
  if (lstat(from, &status) < 0) return -errno;
  pause_us(GAP_US);
  if (S_ISDIR(status.st_mode)) return result(rename(from, to));
  snprintf(command, sizeof command, "cp '%s' '%s' 2>/dev/null || : >'%s'; rm -f '%s'", from, to, to, from);
  return system(command) == 0 ? 0 : -EIO;
}

static int hostile_rename(const char *from, const char *to, unsigned flags) {
  long count = ++renames;
  if (busy_every > 0 && count % busy_every == 0) return -EBUSY;
  if (is_rename_copy) return copy_and_unlink(REAL(from), REAL(to));
  int value = result(renameat2(AT_FDCWD, REAL(from), AT_FDCWD, REAL(to), flags));
  return value == 0 && deaf_every > 0 && count % deaf_every == 0 ? -EIO : value;
}

static int hostile_truncate(const char *path, off_t size, struct fuse_file_info *file) {
  return result(file != NULL ? ftruncate(file->fh, size) : truncate(REAL(path), size));
}

static int hostile_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *file) {
  (void)file;
  return result(utimensat(AT_FDCWD, REAL(path), times, AT_SYMLINK_NOFOLLOW));
}

static int hostile_flock(const char *path, struct fuse_file_info *file, int operation) {
  (void)path;
  if (flock_errno != 0 && flock_errno != EACCES) return -flock_errno;
  int value = result(flock(file->fh, operation));
  return value == -EWOULDBLOCK && flock_errno != 0 ? -EACCES : value;
}

static int errno_named(const char *name) {
  if (strcmp(name, "ENOSYS") == 0) return ENOSYS;
  if (strcmp(name, "ENOLCK") == 0) return ENOLCK;
  if (strcmp(name, "EOPNOTSUPP") == 0) return EOPNOTSUPP;
  if (strcmp(name, "EPERM") == 0) return EPERM;
  if (strcmp(name, "EACCES") == 0) return EACCES;
  return 0;
}

static bool take_knob(char *knob) {
  char *value = strchr(knob, '=');
  if (value == NULL) return false;
  *value++ = '\0';
  if (strcmp(knob, "flock") == 0) {
    is_flock_local = strcmp(value, "local") == 0;
    flock_errno = errno_named(value);
    return is_flock_local || flock_errno != 0;
  }
  if (strcmp(knob, "stale") == 0) return (stale = value) != NULL;
  if (strcmp(knob, "source") == 0) return (source = value) != NULL;
  if (strcmp(knob, "subtype") == 0) return (subtype = value) != NULL;
  if (strcmp(knob, "link") == 0) return (link_errno = errno_named(value)) != 0;
  if (strcmp(knob, "excl") == 0) return is_excl_broken = strcmp(value, "broken") == 0;
  if (strcmp(knob, "rename") == 0) return is_rename_copy = strcmp(value, "copy") == 0;
  if (strcmp(knob, "mtime") == 0) return is_mtime_coarse = true;
  long *number = strcmp(knob, "busy") == 0      ? &busy_every
                 : strcmp(knob, "deaf") == 0    ? &deaf_every
                 : strcmp(knob, "listing") == 0 ? &listing_ms
                 : strcmp(knob, "latency") == 0 ? &latency_us
                 : strcmp(knob, "times") == 0   ? &stale_times
                                                : NULL;
  return number != NULL && (*number = atol(value)) > 0;
}

int main(int count, char **words) {
  if (count < 3 || realpath(words[1], root) == NULL) return 2;
  for (int i = 3; i < count; i++) {
    if (take_knob(words[i])) continue;
    fprintf(stderr, "hostilefs: no such knob: %s\n", words[i]);
    return 2;
  }
  struct fuse_operations operations = {
      .init = hostile_init,       .getattr = hostile_getattr, .readdir = hostile_readdir, .open = hostile_open,
      .create = hostile_create,   .read = hostile_read,       .write = hostile_write,     .release = hostile_release,
      .fsync = hostile_fsync,     .unlink = hostile_unlink,   .mkdir = hostile_mkdir,     .rmdir = hostile_rmdir,
      .chmod = hostile_chmod,     .link = hostile_link,       .rename = hostile_rename,   .truncate = hostile_truncate,
      .utimens = hostile_utimens,
  };
  if (!is_flock_local) operations.flock = hostile_flock;
  char options[PATH_SIZE];
  snprintf(options, sizeof options, "max_threads=64,subtype=%s,fsname=%s", subtype, source);
  char *arguments[] = {"hostilefs", "-f", "-o", options, words[2], NULL};
  return fuse_main(5, arguments, &operations, NULL);
}
