/*
 * For LD_PRELOAD under a user-mode Linux 6.1. Its buffer for the registers of its processes has a fixed size; on CPUs
 * with AVX-512 or AMX the host's PTRACE_SETREGSET wants the host's full size, and the kernel panics. Its buffer is spliced
 * into one of full size.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { X86_XSTATE = 0x202, GETREGSET = 0x4204, SETREGSET = 0x4205, XSTATE_HEADER = 512, FULL_SIZE = 32768 };

/* State components that the guest must not touch: the tiles of AMX. */
static const uint64_t tiles = 1ull << 17 | 1ull << 18;

static long trace(long request, long pid, void *address, void *data) {
  return syscall(SYS_ptrace, request, pid, address, data);
}

static long splice(long request, long pid, struct iovec *guest) {
  static __thread unsigned char full[FULL_SIZE] __attribute__((aligned(64)));
  struct iovec host = {full, sizeof full};
  if (trace(GETREGSET, pid, (void *)X86_XSTATE, &host) < 0) return -1;
  size_t size = guest->iov_len < host.iov_len ? guest->iov_len : host.iov_len;
  if (request == GETREGSET) {
    memcpy(guest->iov_base, full, size);
    guest->iov_len = size;
    return 0;
  }
  uint64_t before, after;
  memcpy(&before, full + XSTATE_HEADER, sizeof before);
  memcpy(full, guest->iov_base, size);
  memcpy(&after, full + XSTATE_HEADER, sizeof after);
  after = (after & ~tiles) | (before & tiles);
  memcpy(full + XSTATE_HEADER, &after, sizeof after);
  return trace(SETREGSET, pid, (void *)X86_XSTATE, &host);
}

long ptrace(enum __ptrace_request request, ...) {
  va_list rest;
  va_start(rest, request);
  long pid = (int)va_arg(rest, long);
  void *address = va_arg(rest, void *);
  void *data = va_arg(rest, void *);
  va_end(rest);
  if ((long)address == X86_XSTATE && ((long)request == GETREGSET || (long)request == SETREGSET)) {
    return splice(request, pid, data);
  }
  if (request != PTRACE_PEEKTEXT && request != PTRACE_PEEKDATA && request != PTRACE_PEEKUSER) {
    return trace(request, pid, address, data);
  }
  /* glibc's form: the word is the result. */
  long word;
  if (trace(request, pid, address, &word) < 0) return -1;
  errno = 0;
  return word;
}
