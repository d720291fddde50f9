/*
 * Ending a system call that blocks. flock(2) can only be left by a signal whose handler lacks SA_RESTART, and one
 * signal is not enough:
 *
 *   1. the waiting thread asks whether it is to stop: no
 *   2. another thread requests it and sends the signal; the handler runs
 *   3. the waiting thread enters flock and blocks for good
 *
 * So a thread of its own (the waker, alive only while there is a thread to wake) sends the signal again every
 * millisecond until the waiting thread has closed its interrupt. It also serves deadlines.
 */
#include "lock.h"

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>

enum { RESEND_NS = 1000 * 1000 };

/* Guards all below and is_open, is_armed, due_ns, previous and next of every interrupt. */
static mutex wakings = MUTEX_INITIALIZER;
static interrupt *due_list;
static bool has_waker;
static pthread_t waker;
static int wake_signal;

static void ignore_signal(int number) { (void)number; }

/*
 * Linux: a real-time signal by its number, SIGRTMIN being a function call that differs between C libraries.
 * macOS has none; SIGEMT is raised by nothing there, and process.on() does not know it.
 * SIGURG, SIGWINCH, SIGUSR1 and SIGUSR2 belong to users. A disposition that is not the default belongs to the program.
 */
static int choose_signal(void) {
#ifdef __linux__
  const int first = 60, last = 40;
#else
  const int first = SIGEMT, last = SIGEMT;
#endif
  for (int number = first; number >= last; number--) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) < 0 || action.sa_handler != SIG_DFL) continue;
    memset(&action, 0, sizeof action);
    action.sa_handler = ignore_signal;
    sigfillset(&action.sa_mask);
    if (sigaction(number, &action, NULL) == 0) return number;
  }
  return 0;
}

int64_t monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* glibc takes the static TLS of all loaded libraries out of each thread's stack; it has been there since 2.15. */
#ifdef __linux__
extern size_t __pthread_get_minstack(const pthread_attr_t *attributes) __attribute__((weak));
#define least_stack(attributes) (__pthread_get_minstack ? __pthread_get_minstack(attributes) : 0)
#else
#define least_stack(attributes) ((size_t)0)
#endif

int thread_start(void *(*run)(void *), void *argument) {
  pthread_attr_t attributes;
  sigset_t all, before;
  pthread_t thread;
  int error = pthread_attr_init(&attributes);
  if (error != 0) return -error;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  /* Room for a path and a record, for the signal frame (11 KB with AMX) and for the libc's own storage. */
  pthread_attr_setstacksize(&attributes, 128 * 1024 + least_stack(&attributes));
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  error = pthread_create(&thread, &attributes, run, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return -error;
}

/* Sends what is due and returns when the next is; INT64_MAX: none is left. */
static int64_t send_due(int64_t now) {
  int64_t next = INT64_MAX;
  for (interrupt *each = due_list; each != NULL; each = each->next) {
    if (each->due_ns <= now) {
      pthread_kill(each->thread, wake_signal);
      each->due_ns = now + RESEND_NS;
    }
    if (each->due_ns < next) next = each->due_ns;
  }
  return next;
}

static void *run_waker(void *argument) {
  (void)argument;
  sigset_t listening;
  sigfillset(&listening);
  sigdelset(&listening, wake_signal);
  mutex_lock(&wakings);
  waker = pthread_self();
  while (due_list != NULL) {
    int64_t now = monotonic_ns();
    int64_t pause = send_due(now) - now;
    mutex_unlock(&wakings);
    struct timespec timeout = {.tv_sec = pause / 1000000000, .tv_nsec = pause % 1000000000};
    /* The signal is blocked outside pselect(2), so that one sent before it is not lost. */
    pselect(0, NULL, NULL, NULL, &timeout, &listening);
    mutex_lock(&wakings);
  }
  has_waker = false;
  mutex_unlock(&wakings);
  return NULL;
}

/* With the mutex held. */
static int arm(interrupt *self, int64_t due_ns) {
  self->due_ns = due_ns;
  if (!self->is_armed) {
    self->is_armed = true;
    self->previous = NULL;
    self->next = due_list;
    if (due_list != NULL) due_list->previous = self;
    due_list = self;
  }
  if (has_waker) {
    if (waker != 0) pthread_kill(waker, wake_signal);
    return 0;
  }
  waker = 0;
  has_waker = true;
  int result = thread_start(run_waker, NULL);
  if (result < 0) has_waker = false;
  return result;
}

static void disarm(interrupt *self) {
  if (!self->is_armed) return;
  self->is_armed = false;
  if (self->previous != NULL) self->previous->next = self->next;
  else due_list = self->next;
  if (self->next != NULL) self->next->previous = self->previous;
}

int interrupt_initialise(interrupt *self, int64_t deadline_ns) {
  memset(self, 0, sizeof *self);
  self->deadline_ns = deadline_ns;
  mutex_lock(&wakings);
  if (wake_signal == 0) wake_signal = choose_signal();
  int result = wake_signal == 0 ? -EAGAIN : 0;
  mutex_unlock(&wakings);
  return result;
}

int interrupt_open(interrupt *self) {
  int result = 0;
  sigset_t ours;
  sigemptyset(&ours);
  sigaddset(&ours, wake_signal);
  pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
  mutex_lock(&wakings);
  self->thread = pthread_self();
  self->is_open = true;
  if (self->deadline_ns != INT64_MAX) result = arm(self, self->deadline_ns);
  if (result < 0) disarm(self);
  mutex_unlock(&wakings);
  return result;
}

void interrupt_request(interrupt *self) {
  atomic_store(&self->requested, true);
  mutex_lock(&wakings);
  if (self->is_open) {
    pthread_kill(self->thread, wake_signal);
    /* Without a waker the one signal above has to do; the next request tries to start one again. */
    arm(self, monotonic_ns() + RESEND_NS);
  }
  mutex_unlock(&wakings);
}

void interrupt_close(interrupt *self) {
  mutex_lock(&wakings);
  self->is_open = false;
  disarm(self);
  mutex_unlock(&wakings);
}

bool interrupt_is_due(interrupt *self) {
  if (atomic_load(&self->requested)) return true;
  return self->deadline_ns != INT64_MAX && monotonic_ns() >= self->deadline_ns;
}
