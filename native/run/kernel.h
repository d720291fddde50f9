/*
 * System calls of Linux without a C library, so that one file serves glibc and musl. On other processors than those two
 * the C library's syscall(2) does the same.
 */
#ifndef HOLDFAST_RUN_KERNEL_H
#define HOLDFAST_RUN_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

/* HOSTED: with the C library also there, for sanitizers. */
#if defined(__x86_64__) && !defined(HOSTED)
#define FREESTANDING 1
static inline long kernel(long number, long a, long b, long c, long d, long e, long f) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__) && !defined(HOSTED)
#define FREESTANDING 1
static inline long kernel(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#else
#include <unistd.h>
static inline long kernel(long number, long a, long b, long c, long d, long e, long f) {
  long result = syscall(number, a, b, c, d, e, f);
  return result < 0 ? -errno : result;
}
#endif

/* Results below zero are -errno. Pointers go as long. */
#define CALL6(n, a, b, c, d, e, f) kernel(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define CALL5(n, a, b, c, d, e) CALL6(n, a, b, c, d, e, 0)
#define CALL4(n, a, b, c, d) CALL5(n, a, b, c, d, 0)
#define CALL3(n, a, b, c) CALL4(n, a, b, c, 0)
#define CALL2(n, a, b) CALL3(n, a, b, 0)
#define CALL1(n, a) CALL2(n, a, 0)

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum { CLOCK_OF_LEASES = 7 /* CLOCK_BOOTTIME: it counts suspend */ };
enum { DEATH_SIGNAL = 1, SUBREAPER = 36 }; /* PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER */

/* The kernel's signal sets are one 64-bit word on these machines. */
enum { SIGNAL_SET_BYTES = 8 };
enum { BLOCK_SET = 2 /* SIG_SETMASK */, SIGNAL_KILL = 9, SIGNAL_TERM = 15, SIGNAL_CHILD = 17 };

#endif
