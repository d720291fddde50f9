/*
 * The descendants of this process. It is their subreaper: one whose parent died becomes its child, so none leaves the
 * tree by forking twice, and "no children" means "no descendants".
 */
#include "tree.h"
#include "kernel.h"

enum { TREE_ROUNDS = 10, PROCESSES = 65536, PIDS = 1 << 22, STAT_BYTES = 512 };

typedef struct {
  int pid, parent;
  uint64_t start; /* distinguishes a process from a later one of the same number */
} process;

static process processes[PROCESSES];
static uint8_t is_member[PIDS / 8], is_told[PIDS / 8];

static bool has_bit(const uint8_t *set, int pid) {
  return pid > 0 && pid < PIDS && (set[pid / 8] >> (pid % 8) & 1) != 0;
}

static void set_bit(uint8_t *set, int pid) {
  if (pid > 0 && pid < PIDS) set[pid / 8] |= (uint8_t)(1 << (pid % 8));
}

static uint64_t read_number(const char **text) {
  uint64_t value = 0;
  while (**text >= '0' && **text <= '9') value = value * 10 + (uint64_t)(*(*text)++ - '0');
  return value;
}

/* "/proc/PID/stat" */
static void name_stat(int pid, char *path) {
  char digits[12];
  int count = 0;
  const char *head = "/proc/", *tail = "/stat";
  while (*head != '\0') *path++ = *head++;
  do digits[count++] = (char)('0' + pid % 10);
  while ((pid /= 10) > 0);
  while (count > 0) *path++ = digits[--count];
  while (*tail != '\0') *path++ = *tail++;
  *path = '\0';
}

/* proc_pid_stat(5): the name may hold anything, so what counts stands behind the last parenthesis. */
static bool read_process(int pid, process *into) {
  char path[32], text[STAT_BYTES];
  name_stat(pid, path);
  int fd = (int)CALL4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return false;
  long length = CALL3(SYS_read, fd, text, sizeof text - 1);
  CALL1(SYS_close, fd);
  if (length <= 0) return false;
  text[length] = '\0';
  const char *at = text + length;
  while (at > text && *at != ')') at--;
  if (*at != ')' || at[1] == '\0' || at[2] == '\0' || at[2] == 'Z' || at[2] == 'X') return false;
  at += 4; /* ") S " */
  *into = (process){.pid = pid, .parent = (int)read_number(&at)};
  /* The parent is field 4, the start 22. */
  for (int field = 4; field < 22 && *at != '\0'; at++) field += *at == ' ';
  into->start = read_number(&at);
  return true;
}

struct entry { /* linux_dirent64 */
  uint64_t inode;
  int64_t next;
  unsigned short length;
  unsigned char type;
  char name[];
};

static int list_processes(void) {
  static char buffer[32768] __attribute__((aligned(8)));
  int count = 0;
  int fd = (int)CALL4(SYS_openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) return 0;
  for (;;) {
    long length = CALL3(SYS_getdents64, fd, buffer, sizeof buffer);
    if (length <= 0) break;
    for (long at = 0; at < length;) {
      const struct entry *entry = (const struct entry *)(buffer + at);
      const char *name = entry->name;
      at += entry->length;
      int pid = (int)read_number(&name);
      if (*name == '\0' && pid > 0 && count < PROCESSES && read_process(pid, &processes[count])) count++;
    }
  }
  CALL1(SYS_close, fd);
  return count;
}

/* /proc may be of another pid namespace; there numbers mean other processes. */
static bool is_proc_ours(int self) {
  char text[16];
  long length = CALL4(SYS_readlinkat, AT_FDCWD, "/proc/self", text, sizeof text - 1);
  if (length <= 0) return false;
  text[length] = '\0';
  const char *at = text;
  return (int)read_number(&at) == self;
}

/* Nothing may come between the look and the kill. What remains is the kernel's own instant. */
static void send(const process *known, int signal) {
  process now;
  if (read_process(known->pid, &now) && now.start == known->start) CALL2(SYS_kill, known->pid, signal);
}

/* One look: signals members that have not been signalled. Returns how many those were. */
static int signal_round(int self, int signal) {
  int count = list_processes(), signalled = 0;
  for (size_t i = 0; i < sizeof is_member; i++) is_member[i] = 0;
  set_bit(is_member, self);
  for (bool is_growing = true; is_growing;) {
    is_growing = false;
    for (int i = 0; i < count; i++) {
      if (has_bit(is_member, processes[i].pid) || !has_bit(is_member, processes[i].parent)) continue;
      set_bit(is_member, processes[i].pid);
      is_growing = true;
    }
  }
  for (int i = 0; i < count; i++) {
    const process *each = &processes[i];
    if (each->pid == self || !has_bit(is_member, each->pid) || has_bit(is_told, each->pid)) continue;
    set_bit(is_told, each->pid);
    send(each, signal);
    signalled++;
  }
  return signalled;
}

/* waitid(2): ECHILD for every other process; nothing is reaped. */
static bool is_child(int pid) {
  enum { BY_PID = 1, NO_HANG = 1, EXITED = 4, NO_WAIT = 0x1000000, ALL = 0x40000000 };
  static uint64_t found[16]; /* a siginfo_t */
  return CALL5(SYS_waitid, BY_PID, pid, found, NO_HANG | EXITED | NO_WAIT | ALL, 0) == 0;
}

static bool signal_child(int pid, int signal) { return pid > 0 && is_child(pid) && CALL2(SYS_kill, pid, signal) == 0; }

/* The newest pid there is: that of a process made for it. It ends at once and sends no signal. */
static int newest_pid(void) {
  long pid = CALL5(SYS_clone, 0, 0, 0, 0, 0);
  if (pid == 0) CALL1(SYS_exit, 0);
  if (pid > 0) CALL4(SYS_wait4, pid, 0, 0x40000000 /* WALL */, 0);
  return (int)pid;
}

static bool signal_range(int from, int steps, int except, int signal) {
  bool has_found = false;
  for (int step = 0; step < steps; step++) {
    int pid = (from + step) % PIDS;
    if (pid != except) has_found |= signal_child(pid, signal);
  }
  return has_found;
}

/*
 * Pids are given out upwards and around, so those of descendants lie between our own and the newest, unless all were given
 * out meanwhile. Those below a child become children when it has ended, and are met by a later look. The command first.
 */
static bool signal_children(int self, int root, int signal) {
  bool has_found = signal_child(root, signal);
  int newest = newest_pid();
  int steps = newest > 0 ? (newest - self + PIDS) % PIDS : PIDS;
  has_found |= signal_range(self + 1, steps, root, signal);
  return has_found || signal_range(self + 1 + steps, PIDS - steps, root, signal);
}

bool tree_signal(int root, int signal) {
  int self = (int)CALL1(SYS_getpid, 0);
  if (!is_proc_ours(self)) return signal_children(self, root, signal);
  bool has_found = false;
  for (size_t i = 0; i < sizeof is_told; i++) is_told[i] = 0;
  for (int round = 0; round < TREE_ROUNDS && signal_round(self, signal) > 0; round++) has_found = true;
  return has_found;
}

bool tree_reap(int root, int *status, bool *has_ended) {
  for (;;) {
    int found;
    long pid = CALL4(SYS_wait4, -1, &found, 1 /* WNOHANG */, 0);
    if (pid == -EINTR) continue;
    if (pid == 0) return true;
    if (pid < 0) return false;
    if (pid == root) {
      *status = found;
      *has_ended = true;
    }
  }
}
