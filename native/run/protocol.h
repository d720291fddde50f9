/*
 * What goes over the socket between the wrapper and its supervisor; src/process/supervisor.ts says the same. Both run on
 * one machine: numbers are in its own byte order.
 */
#ifndef HOLDFAST_RUN_PROTOCOL_H
#define HOLDFAST_RUN_PROTOCOL_H

#include <stdint.h>

enum { PROTOCOL = 0x32524648 /* "HFR2" */, KEPT = 4 };

/* First of all, followed by `bytes` bytes: the arguments, then the environment, each text ended by a NUL. */
typedef struct {
  uint32_t protocol;
  uint32_t bytes;
  uint32_t arguments;
  uint32_t variables;
  uint32_t grace_ms;
  uint32_t flags;
  int64_t deadline_us; /* on CLOCK_BOOTTIME; 0: none */
  int32_t kept[KEPT];  /* descriptors that live as long as the command, and that it does not get; -1: none */
  int32_t parent; /* of the wrapper */
  int32_t unused;
} start_message;

enum { UNTIL_CLOSED = 1 /* the work is over when the last descendant has ended, not only the command */ };

typedef struct {
  uint32_t kind;
  uint32_t number;
  int64_t value;
} message;

/* From the wrapper, the first also from its thread that renews. */
enum { SET_DEADLINE = 1 /* value: microseconds */, SEND_SIGNAL = 2 /* number */, END_TREE = 3 };

/* To the wrapper. */
enum {
  STARTED = 1,    /* number: pid */
  NOT_STARTED = 2, /* number: errno */
  ENDED = 3,      /* number: the status of wait(2); the last message but one after DEADLINE_NEAR or END_TREE */
  DEADLINE_NEAR = 4, /* the deadline was not moved in time; the tree is being ended */
};

#endif
