/* register.pml - what the server does for a device's connection: register with the resume, and ping. */

/* ---- the mapping ------------------------------------------------------------------------------------------ */
#define may_start(d, a)         (EXPIRY && reg(d, a).step == ASKED)
#define may_put(d, a)           (reg(d, a).step == (EXPIRY -> STARTED : ASKED))
#define is_refused(d, a)        (device[d].tombstone || a + 1 <= device[d].newest)

/* The handler reads its clock some time before the put; without expiry that is one step. */
inline start(d, a, offset) {
  reg(d, a).step = STARTED;
  reg(d, a).expires = clock(offset) + TTL;
  printf("t=%d device %d: registration %d starts, would expire at %d\n", now, d, a, reg(d, a).expires)
}
inline put(d, a) {
  set_mapping(d, reg(d, a).expires);
  device[d].newest = (NUMBERED -> a + 1 : 0);
  printf("t=%d device %d: registration %d puts the mapping\n", now, d, a)
}
/* Nobody waits for what follows the put of a registration that is not the newest one. */
inline register(d, a) {
  put(d, a);
  reg(d, a).copy = LATE_PUTS;
  reg(d, a).step = READY;
  if :: MATCH_REPLY && a != device[d].awaited -> end_registration(d, a) :: else fi
}
inline repeat_put(d, a) {
  put(d, a);
  reg(d, a).copy = false;
  if :: reg(d, a).step == DONE -> end_registration(d, a) :: else fi
}
/* For its number, or for a tombstone: then the device is told to reconnect, which it may do at any time anyway. */
inline refuse(d, a) {
  printf("t=%d device %d: registration %d is refused\n", now, d, a);
  end_registration(d, a)
}
inline end_registration(d, a) {
  reg(d, a).step = DONE;
  reg(d, a).cursor = 0;
  reg(d, a).next = 0;
  reg(d, a).expires = (reg(d, a).copy -> reg(d, a).expires : 0)
}

/* ---- the resume ------------------------------------------------------------------------------------------- */
/* The log is read in the order of serials, from the cursor minus the overlap on. */
#define key(r)                  (RUNS * send[r].serial + r)
#define is_after(d, a, r)       (send[r].appended && !send[r].reuses && \
                                 send[r].serial + OVERLAP >= reg(d, a).cursor && key(r) >= reg(d, a).next)

/* A device without a cursor gets what the user's devices have not acknowledged: the worst case is the latest cursor. */
#define uses_shared(d)          ((!device[d].known || !OWN_CURSOR) && device[other(d)].cursor > reg(d, a).cursor)

#define may_read_first(d, a)    (PAGES == 2 && reg(d, a).step == READY && reg(d, a).next == 0)
#define may_read_last(d, a)     (reg(d, a).step == READY && !may_read_first(d, a))

/* What the other device says that it has handed over: the worst case is all of it. By position: what the log has up to its
 * cursor. */
#define is_shown(d, a, r)       (SHOWN_BY_ID -> has(device[other(d)].handed, message(r)) : \
                                 is_after(d, a, r) && send[r].serial <= reg(d, a).cursor)

inline note_shown(d, a) {
  for (i : 0 .. RUNS - 1) {
    if
    :: !device[d].known && is_shown(d, a, i) -> reg(d, a).shown = reg(d, a).shown | one(message(i))
    :: else
    fi
  }
}

/* found := the runs whose entries a read shows; a stale one may miss those that were appended just now. */
inline read_log(d, a, stale) {
  reg(d, a).cursor = (uses_shared(d) -> device[other(d)].cursor : reg(d, a).cursor);
  note_shown(d, a);
  found = 0;
  for (i : 0 .. RUNS - 1) {
    if :: is_after(d, a, i) && !(stale && send[i].freshFor > 0) -> found = found | one(i) :: else fi
  }
  printf("t=%d device %d: registration %d reads the log after %d: runs %d\n", now, d, a, reg(d, a).cursor, found)
}
inline keep_first(d, a) {
  lowest = NONE;
  for (i : 0 .. RUNS - 1) {
    if :: has(found, i) && (lowest == NONE || key(i) < key(lowest)) -> lowest = i :: else fi
  }
  if
  :: lowest == NONE -> reg(d, a).next = 1
  :: else -> found = one(lowest); reg(d, a).next = key(lowest) + 1
  fi
}
/* The cursor after the resume will be the clock of the read, as fast as it may be: the worst case. */
inline read_first_page(d, a) {
  reg(d, a).clock = clock(FAST);
  read_log(d, a, false);
  keep_first(d, a)
}
inline read_last_page(d, a, stale) {
  reg(d, a).clock = (PAGES == 2 && FIRST_PAGE_CLOCK -> reg(d, a).clock : clock(FAST));
  read_log(d, a, stale);
  reply(d, a, PAGES - 1);
  end_registration(d, a)
}
inline reply(d, a, page) {
  reg(d, a).posted[page] = now + 1;
  reg(d, a).entries[page] = found;
  note_posted(d)
}

/* PUT_FIRST=0: the log, then the mapping. */
inline read_log_early(d, a) {
  reg(d, a).clock = clock(FAST);
  read_log(d, a, false);
  reg(d, a).entries[0] = found;
  reg(d, a).step = STARTED
}
inline put_late(d, a) {
  put(d, a);
  found = reg(d, a).entries[0];
  reply(d, a, 0);
  end_registration(d, a)
}

/* ---- ping ------------------------------------------------------------------------------------------------- */
/* Reads its clock, then extends the mapping, with one conditional update, if it is valid and stays so for MARGIN. */
#define may_ping(d)             (pings < PINGS && device[d].pingClock == 0)
#define may_extend(d)           (device[d].expires > device[d].pingClock + MARGIN || !NO_REVIVAL)

inline ping(d, offset) {
  pings++;
  device[d].pingClock = clock(offset);
  printf("t=%d device %d: ping handler reads clock: %d\n", now, d, device[d].pingClock)
}
inline extend(d) {
  set_mapping(d, device[d].pingClock + TTL);
  printf("t=%d device %d: the ping extends the mapping to %d\n", now, d, device[d].expires);
  end_ping(d)
}
inline tell_unregistered(d) {
  device[d].unregistered = device[d].registered;
  printf("t=%d device %d: the ping is answered not_registered\n", now, d);
  end_ping(d)
}
inline end_ping(d) {
  device[d].pingClock = 0;
  device[d].pingAge = 0
}
