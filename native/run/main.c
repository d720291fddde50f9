/*
 * holdfast-run FD: stands between `holdfast run` and its command where the lock is not a descriptor that the command
 * inherits. Whatever happens to the wrapper, the command works only while the hold is sure to stand:
 *
 *   1. the wrapper is gone (its end of the socket is closed): TERM to the tree, KILL after the grace
 *   2. the deadline comes near without a renewal (stopped, stuck, cut off): TERM at deadline - grace - 1 s, but not before
 *      two thirds of what was left at the last renewal have passed; KILL 250 ms before the deadline, whatever the grace
 *   3. the wrapper says that the hold is lost: as 1
 *
 * The one policy that is written in C. Deadlines are on the boot clock. Terminal, process group, standard streams and
 * inherited descriptors are the command's own; this program blocks every signal and touches none of them. SIGKILL of it
 * kills the command (PR_SET_PDEATHSIG), and its wrapper ends the rest. SIGSTOP of it is not survived. Where the system
 * refuses a subreaper (a filter of system calls, an emulator), the tree is killed at once, and who left it is not found.
 */
#include "kernel.h"
#include "protocol.h"
#include "start.h"
#include "tree.h"

enum { KILL_BEFORE_US = 250 * 1000, TERM_BEFORE_US = 1000 * 1000, KILL_AGAIN_US = 10 * 1000 };

#define NEVER INT64_MAX

typedef enum { RUNNING, TERMINATING, KILLING } phase;

typedef struct {
  int socket, signals, timer;
  int command; /* pid */
  int status;
  bool has_ended, is_told, is_wrapper_gone, is_until_closed, has_descendants, is_subreaper;
  int64_t grace_us, deadline_us, term_at_us, kill_at_us;
  phase phase;
} supervisor;

static int64_t now_us(void) {
  struct timespec now;
  CALL2(SYS_clock_gettime, CLOCK_OF_LEASES, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static void report(supervisor *self, uint32_t kind, uint32_t number) {
  message out = {.kind = kind, .number = number};
  /* A wrapper that does not read (stopped) must not stop us: the socket does not block. */
  if (!self->is_wrapper_gone) CALL6(SYS_sendto, self->socket, &out, sizeof out, 0x4040 /* NOSIGNAL, DONTWAIT */, 0, 0);
}

static void set_deadline(supervisor *self, int64_t deadline_us) {
  if (deadline_us <= 0 || deadline_us <= self->deadline_us || self->phase != RUNNING) return;
  int64_t left = deadline_us - now_us();
  self->deadline_us = deadline_us;
  self->kill_at_us = deadline_us - KILL_BEFORE_US;
  self->term_at_us = smaller(self->kill_at_us, deadline_us - smaller(self->grace_us + TERM_BEFORE_US, left / 3));
}

static void begin_end(supervisor *self) {
  if (self->phase != RUNNING) return;
  /* Those whose parents the TERM ends would be no descendants any more. */
  self->phase = self->is_subreaper ? TERMINATING : KILLING;
  if (!self->is_subreaper) return;
  self->kill_at_us = smaller(self->kill_at_us, now_us() + self->grace_us);
  tree_signal(self->command, SIGNAL_TERM);
}

static bool read_whole(int fd, void *into, size_t size) {
  char *at = into;
  while (size > 0) {
    long length = CALL3(SYS_read, fd, at, size);
    if (length == -EAGAIN) {
      struct pollfd ready = {.fd = fd, .events = POLLIN};
      CALL5(SYS_ppoll, &ready, 1, 0, 0, SIGNAL_SET_BYTES);
      continue;
    }
    if (length == -EINTR) continue;
    if (length <= 0) return false;
    at += length;
    size -= (size_t)length;
  }
  return true;
}

static void obey(supervisor *self, const message *order) {
  if (order->kind == SET_DEADLINE) set_deadline(self, order->value);
  /* Not reaped before it is reported to the wrapper, so the number is the command's. */
  if (order->kind == SEND_SIGNAL && !self->has_ended) CALL2(SYS_kill, self->command, order->number);
  if (order->kind == END_TREE) begin_end(self);
}

static void read_orders(supervisor *self) {
  message order;
  for (;;) {
    long length = CALL6(SYS_recvfrom, self->socket, &order, sizeof order, 0x40 /* DONTWAIT */, 0, 0);
    if (length == -EAGAIN || length == -EINTR) return;
    if (length <= 0 || (length < (long)sizeof order &&
                        !read_whole(self->socket, (char *)&order + length, sizeof order - (size_t)length))) {
      self->is_wrapper_gone = true;
      begin_end(self);
      return;
    }
    obey(self, &order);
  }
}

static void look(supervisor *self) {
  self->has_descendants = tree_reap(self->command, &self->status, &self->has_ended);
  int64_t now = now_us();
  if (self->phase == RUNNING && now >= self->term_at_us) {
    report(self, DEADLINE_NEAR, 0);
    begin_end(self);
  }
  if (self->phase == TERMINATING && now >= self->kill_at_us) self->phase = KILLING;
  if (self->phase != KILLING || !self->has_descendants) return;
  tree_signal(self->command, SIGNAL_KILL);
  self->has_descendants = tree_reap(self->command, &self->status, &self->has_ended);
}

/* What is left behind by a command that ended by itself is left alone, unless it was asked to be waited for. */
static bool is_over(const supervisor *self) {
  if (!self->has_descendants) return true;
  return self->has_ended && self->phase == RUNNING && !self->is_until_closed;
}

static void set_timer(const supervisor *self) {
  int64_t at = self->phase == RUNNING ? self->term_at_us : self->phase == TERMINATING ? self->kill_at_us : now_us() + KILL_AGAIN_US;
  if (at < 1) at = 1;
  struct itimerspec when = {.it_value = {.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000}};
  if (at == NEVER) when.it_value = (struct timespec){0};
  CALL4(SYS_timerfd_settime, self->timer, 1 /* TFD_TIMER_ABSTIME */, &when, 0);
}

static void supervise(supervisor *self) {
  for (look(self); !is_over(self); look(self)) {
    char drained[512];
    set_timer(self);
    struct pollfd ready[] = {{.fd = self->signals, .events = POLLIN},
                             {.fd = self->timer, .events = POLLIN},
                             {.fd = self->is_wrapper_gone ? -1 : self->socket, .events = POLLIN}};
    CALL5(SYS_ppoll, ready, 3, 0, 0, SIGNAL_SET_BYTES);
    CALL3(SYS_read, self->signals, drained, sizeof drained);
    CALL3(SYS_read, self->timer, drained, sizeof(uint64_t));
    if (!self->is_wrapper_gone) read_orders(self);
  }
}

/* Everything but what is needed: a reader that waits for the end of a pipe does not wait for us. */
static void close_others(const int *needed, int count) {
  int from = 0;
  for (;;) {
    int next = -1;
    for (int i = 0; i < count; i++) {
      if (needed[i] >= from && (next < 0 || needed[i] < next)) next = needed[i];
    }
    int last = next < 0 ? INT32_MAX : next - 1;
    if (last >= from && CALL3(SYS_close_range, from, last, 0) == -ENOSYS) {
      for (int fd = from; fd <= last && fd < 4096; fd++) CALL1(SYS_close, fd);
    }
    if (next < 0) return;
    from = next + 1;
  }
}

/* The texts behind one another become a list that NULL ends; the place before it is free. */
static char **list_of(char **place, char **text, const char *end, uint32_t count) {
  char **list = place + 1;
  for (uint32_t i = 0; i < count; i++) {
    list[i] = *text;
    while (*text < end && **text != '\0') (*text)++;
    (*text)++;
  }
  list[count] = NULL;
  return list;
}

static void *memory(size_t size) {
  long result = CALL6(SYS_mmap, 0, size, 3 /* READ, WRITE */, 0x22 /* PRIVATE, ANONYMOUS */, -1, 0);
  return result < 0 && result > -4096 ? NULL : (void *)result;
}

static int run(int fd) {
  start_message start;
  uint64_t all = ~(uint64_t)0, mask = 0;
  CALL4(SYS_rt_sigprocmask, BLOCK_SET, &all, &mask, SIGNAL_SET_BYTES);
  CALL3(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
  if (!read_whole(fd, &start, sizeof start) || start.protocol != PROTOCOL) return 64;
  size_t size = start.bytes + ((size_t)start.arguments + start.variables + 4) * sizeof(char *) + sizeof(char *);
  char *block = memory(size);
  if (block == NULL) return 71;
  char **lists = (char **)block;
  char *text = block + ((size_t)start.arguments + start.variables + 4) * sizeof(char *);
  if (start.arguments == 0 || !read_whole(fd, text, start.bytes)) return 64;
  const char *end = text + start.bytes;
  command_start command = {.mask = mask, .parent = start.parent};
  command.arguments = list_of(lists, &text, end, start.arguments);
  command.environment = list_of(lists + start.arguments + 2, &text, end, start.variables);

  supervisor self = {.socket = fd,
                     .grace_us = (int64_t)start.grace_ms * 1000,
                     .term_at_us = NEVER,
                     .kill_at_us = NEVER,
                     .has_descendants = true,
                     .is_until_closed = (start.flags & UNTIL_CLOSED) != 0};
  uint64_t child = (uint64_t)1 << (SIGNAL_CHILD - 1);
  self.signals = (int)CALL4(SYS_signalfd4, -1, &child, SIGNAL_SET_BYTES, O_CLOEXEC | O_NONBLOCK);
  self.timer = (int)CALL2(SYS_timerfd_create, CLOCK_OF_LEASES, O_CLOEXEC | O_NONBLOCK);
  if (self.signals < 0 || self.timer < 0) return 71;
  self.is_subreaper = CALL5(SYS_prctl, SUBREAPER, 1, 0, 0, 0) >= 0;
  int needed[KEPT + 3] = {fd, self.signals, self.timer};
  int count = 3;
  for (int i = 0; i < KEPT; i++) {
    if (start.kept[i] < 0) continue;
    CALL3(SYS_fcntl, start.kept[i], F_SETFD, FD_CLOEXEC);
    needed[count++] = start.kept[i];
  }
  int error;
  self.command = start_command(&command, &error);
  if (self.command < 0 || error != 0) {
    report(&self, NOT_STARTED, (uint32_t)(error != 0 ? error : -self.command));
    return 0;
  }
  report(&self, STARTED, (uint32_t)self.command);
  close_others(needed, count);
  CALL1(SYS_chdir, "/");
  set_deadline(&self, start.deadline_us);
  supervise(&self);
  report(&self, ENDED, (uint32_t)self.status);
  return 0;
}

static int number_of(const char *text) {
  int value = 0;
  if (text == NULL || *text == '\0') return -1;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9' || value > 1000000) return -1;
    value = value * 10 + (*text - '0');
  }
  return value;
}

int supervisor_main(int count, char **arguments) {
  int fd = count == 2 ? number_of(arguments[1]) : -1;
  return fd < 0 ? 64 : run(fd);
}

#ifdef FREESTANDING
/* The compiler may call these for copies and fills of its own. */
void *memcpy(void *into, const void *from, size_t size) {
  for (size_t i = 0; i < size; i++) ((volatile char *)into)[i] = ((const char *)from)[i];
  return into;
}

void *memset(void *into, int value, size_t size) {
  for (size_t i = 0; i < size; i++) ((volatile char *)into)[i] = (char)value;
  return into;
}

__attribute__((used, noreturn)) void enter(long *stack) {
  int code = supervisor_main((int)stack[0], (char **)(stack + 1));
  for (;;) CALL1(SYS_exit_group, code);
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n  xor %ebp, %ebp\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call enter\n");
#else
__asm__(".globl _start\n_start:\n  mov x29, #0\n  mov x0, sp\n  bl enter\n");
#endif
#else
int main(int count, char **arguments) { return supervisor_main(count, arguments); }
#endif
