/* Lease locks: one state file, rename as compare-and-swap, explicit time.
 *
 * True time is `now` (ticks). Clocks drift: a party's clock is true time scaled by its rate, so the two comparisons that
 * the protocol makes are stated in true time with the worst rates built in:
 *   BELIEF  the slowest clock's lease, the longest that a holder can believe (leaseMs / 0.9)
 *   SILENCE the fastest clock's waiting time, the soonest that another may act ((1.25 leaseMs + 1 s) / 1.1)
 * A name is (generation, owner, beat); no name recurs, so one number counts every name there ever was.
 * Names are only compared for being the same one. An answer may be late or lost; a listing may be old. (Requests that are
 * executed after their sender has moved on are in the search over the real steps, beside this file.) A crash or a stall at any step is a party that is not scheduled any more, or not for long.
 *
 * Planted bugs (-D...): RETRY_NEW_CLOCK, AFTER_RENAME, EARLY_SIGHT, WALL_CLOCK, LATE_REVIVES, RELEASES_ANY, SWEPT_GENERATION
 */
#ifndef PARTIES
#define PARTIES 2
#endif
#ifndef LAST
#define LAST 6       /* ticks */
#endif
#define BELIEF 2
#define SILENCE 3
#ifndef NAMES
#define NAMES 5
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 2           /* of party 0; party 1 has one less */
#endif

byte now = 0;
byte current = 0;            /* the name that exists */
byte names = 0;              /* the newest name ever made */
byte owner[NAMES];           /* 0: free; else party + 1 */
byte generation[NAMES];
byte before[NAMES];          /* the name it was renamed from */
byte granted[NAMES];         /* how often a generation was granted */
byte deadline[PARTIES];      /* believing until then; 0: not holding */

#define believes(p) (now < deadline[p])

/* The server: rename(from, to) where `to` is a new name; ok only if `from` is there. */
inline swap(aFrom, aBy, aGen, aMade, aOk) {
  if
  :: current == aFrom && names < NAMES - 1 ->
     names++;
     owner[names] = aBy;
     generation[names] = aGen;
     before[names] = aFrom;
     current = names;
     aMade = names;
     aOk = 1
  :: else -> aOk = 0
  fi
}

proctype Party(byte me) {
  byte seen, sent, made, since, shown;
  bit ok;
  byte attempts = 0;

idle:
  if
  :: attempts == ATTEMPTS - me -> goto done
  :: else -> attempts++
  fi;
  atomic { made = 0; shown = 0; ok = 0; sent = 0; seen = 0; since = now };
  /* A listing shows the state of now or of one step ago. Its answer takes its time, and the sighting starts with it. */
  atomic {
    if
    :: seen = current
    :: current > 0 -> seen = before[current]
    fi
#ifndef EARLY_SIGHT
    ; since = 0
#endif
  };
#ifndef EARLY_SIGHT
  since = now;
#endif
watch:
  if
  :: atomic { owner[seen] == 0 -> sent = now }
#ifdef WALL_CLOCK
  :: atomic { owner[seen] != 0 -> sent = now }
#else
  :: atomic { owner[seen] != 0 && now >= since + SILENCE -> sent = now }
#endif
  :: now >= LAST -> goto done
  fi;
claim:
  /* The request arrives some time after `sent`; its answer some time after that. */
  atomic {
#ifdef SWEPT_GENERATION
    if
    :: owner[seen] == 0 -> swap(seen, me + 1, 1, made, ok)
    :: else -> swap(seen, me + 1, generation[seen] + 1, made, ok)
    fi
#else
    swap(seen, me + 1, generation[seen] + 1, made, ok)
#endif
  };
  if
  :: ok -> goto won
  :: !ok -> goto idle
  fi;
won:
  /* The answer, or a listing that shows our own name after the answer was lost. */
  atomic {
#ifdef AFTER_RENAME
    sent = now;
#endif
#ifdef RETRY_NEW_CLOCK
    if
    :: sent = now      /* the answer was lost: tried again, and found to be there */
    :: skip
    fi;
#endif
    if
    :: now < sent + BELIEF ->
       deadline[me] = sent + BELIEF;
       granted[generation[made]]++;
       assert(granted[generation[made]] == 1)
    :: else -> goto idle
    fi
  };
held:
  if
  :: atomic { now >= deadline[me] -> deadline[me] = 0; goto idle }
  :: atomic { believes(me) -> sent = now; goto renew }
  :: atomic { believes(me) -> deadline[me] = 0; goto release }
  :: now >= LAST -> goto done
  fi;
renew:
  atomic { swap(made, me + 1, generation[made], shown, ok) };
  atomic {
    if
    :: ok && believes(me) -> made = shown; deadline[me] = sent + BELIEF
    :: ok && !believes(me) ->
#ifdef LATE_REVIVES
       made = shown; deadline[me] = now + BELIEF
#else
       deadline[me] = 0; goto idle
#endif
    :: ok && believes(me) -> made = shown  /* the answer was lost; the listing shows it: a base that extends nothing */
    :: !ok -> deadline[me] = 0; goto idle
    fi
  };
  goto held;
release:
  atomic {
#ifdef RELEASES_ANY
    /* Released under a name that is not bound to this hold: whatever is there is freed. */
    made = current;
#endif
    swap(made, 0, generation[made], shown, ok)
  };
  goto idle;
done:
  skip
}

proctype Clock() {
  do
  :: now < LAST -> now++
  :: now >= LAST -> break
  od
}

/* INV-LEASE-1 */
proctype Judge() {
  assert(!(believes(0) && believes(1)))
}

init {
  atomic {
    run Party(0);
    run Party(1);
    run Clock();
    run Judge()
  }
}
