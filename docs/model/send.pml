/* send.pml - the send handler: reads the directory, appends to the log, posts, reads again, acknowledges. */

/* ---- the beginning ---------------------------------------------------------------------------------------- */
/* Messages are numbered in the order in which they begin. A retry may begin while the first run goes on. */
#define may_begin(r)            (send[r].state == IDLE && (r == 0 || send[r - 1].state != IDLE))
#define finds_entry(r)          (is_retry(r) && send[r - 1].appended)
#define is_young(r, offset)     (!RETRY_YOUNG || clock(offset) <= send[r - 1].serial + RETRY_AGE)
#define takes_entry(r, offset)  (finds_entry(r) && is_young(r, offset))

inline begin(r, offset) {
  send[r].state = RUNNING;
  send[r].serial = clock(offset);
  send[r].clock = EXPIRY * clock(offset);
  printf("t=%d run %d begins: message %d, serial %d\n", now, r, message(r), send[r].serial)
}
inline begin_with_entry(r, offset) {
  send[r].state = RUNNING;
  send[r].serial = send[r - 1].serial;
  send[r].clock = EXPIRY * clock(offset);
  send[r].reuses = true;
  send[r].appended = true;
  printf("t=%d run %d begins: a retry that finds its message in the log, serial %d\n", now, r, send[r].serial);
  if :: !RETRY_DELIVERS -> send[r].read1 = true; send[r].read2 = true; settle(r) :: else fi
}

/* ---- the two reads of the directory ----------------------------------------------------------------------- */
#define is_running(r)           (send[r].state == RUNNING)
#define may_read(r)             (is_running(r) && !send[r].read1)
#define may_read_again(r)       (is_running(r) && send[r].read1 && !send[r].read2 && READ2 && \
                                 (send[r].appended || !READ2_AFTER_APPEND))

/* What expiries are compared with: the clock as read when the run began, or (CLOCK_FIRST=0) 'later' ticks from now. */
#define clock_of(r, later)      send[r].clock + !CLOCK_FIRST * (send[r].age + later)

inline read_directory(r, stale, later) {
  look_up(stale, clock_of(r, later));
  send[r].read1 = true;
  send[r].listed = found;
  send[r].todo = found;
  printf("t=%d run %d reads the directory: devices %d (stale for %d)\n", now, r, found, stale);
  settle(r)
}
inline read_directory_again(r, stale, later) {
  look_up(stale, clock_of(r, later));
  found = found & ~send[r].listed;
  send[r].read2 = true;
  send[r].listed = 0;
  send[r].todo = send[r].todo | found;
  printf("t=%d run %d reads the directory again: devices %d are new (stale for %d)\n", now, r, found, stale);
  settle(r)
}

/* ---- the append, issued together with the first posts ----------------------------------------------------- */
#define has_issued(r)           (send[r].state == RUNNING || send[r].state == KILLED)
#define may_append(r)           (has_issued(r) && send[r].read1 && !send[r].appended)

inline append(r) {
  send[r].appended = true;
  send[r].freshFor = (LOG_CONSISTENT -> 0 : STALE + 1);
  printf("t=%d run %d appends message %d to the log\n", now, r, message(r));
  settle(r)
}

/* ---- the posts, to each device by itself ------------------------------------------------------------------ */
#define may_post(r, d)          (has_issued(r) && has(send[r].todo, d))
#define may_fail(r, d)          (is_running(r) && has(send[r].todo, d) && failures < FAILURES)
#define may_be_gone(r, d)       (is_running(r) && has(send[r].todo, d) && gones < GONE)
#define may_remove(r, d)        (has_issued(r) && has(send[r].missed, d))
#define may_forget(r, d)        (has_issued(r) && has(send[r].gone, d) && (send[r].appended || !FORGET_AFTER_APPEND))

/* A post that succeeds says nothing about its arrival: when the connection breaks, the frame is lost. */
inline post(r, d) {
  send[r].todo = send[r].todo & ~one(d);
  send[r].reached = (ACK_ALL && GAPLESS_EACH -> 0 : send[r].reached | one(d));
  device[d].push[r] = now + 1;
  note_posted(d);
  printf("t=%d run %d posts message %d to device %d\n", now, r, message(r), d);
  settle(r)
}
inline fail(r, d) {
  failures++;
  send[r].todo = send[r].todo & ~one(d);
  send[r].missed = (GAPLESS -> send[r].missed | one(d) : 0);
  printf("t=%d run %d posts message %d to device %d: fails\n", now, r, message(r), d);
  settle(r)
}
/* The gapless rule. Without the tombstone nothing is left of the mapping, not even the number. Who closes the
 * connection, and when, does not matter: it may break at any time anyway. */
inline remove(r, d) {
  send[r].missed = send[r].missed & ~one(d);
  set_mapping(d, 0);
  device[d].tombstone = TOMBSTONE;
  device[d].newest = TOMBSTONE * device[d].newest;
  printf("t=%d run %d removes the mapping of device %d\n", now, r, d);
  settle(r)
}

/* API Gateway says of a living connection that there is none. Its mapping expires, without a tombstone: it registers again as
 * soon as it is told that it is not registered; or it breaks, because it is closed. */
inline say_gone(r, d) {
  gones++;
  send[r].todo = send[r].todo & ~one(d);
  send[r].gone = send[r].gone | one(d);
  printf("t=%d run %d posts message %d to device %d: said to be gone\n", now, r, message(r), d);
  settle(r)
}
inline forget(r, d) {
  send[r].gone = send[r].gone & ~one(d);
  set_mapping(d, 0);
  device[d].newest = FORGET_NUMBERED * device[d].newest;
  printf("t=%d run %d forgets device %d\n", now, r, d);
  settle(r)
}

/* ---- the end ---------------------------------------------------------------------------------------------- */
#define no_post_open(r)         (send[r].todo == 0 || (!ACK_ALL && send[r].reached != 0))
#define no_gap_open(r)          (send[r].gone == 0 && (send[r].missed == 0 || (!GAPLESS_EACH && send[r].reached != 0)))

/* Acknowledges at once when all outcomes are known, which is the worst case. */
inline settle(r) {
  if
  :: is_running(r) && send[r].read1 && send[r].appended && (send[r].read2 || !READ2) &&
     no_post_open(r) && no_gap_open(r) ->
       acked = acked | one(message(r));
       printf("      run %d acknowledges message %d\n", r, message(r));
       end_run(r)
  :: send[r].state == KILLED && send[r].appended && send[r].todo == 0 && send[r].missed == 0 &&
     send[r].gone == 0 -> end_run(r)
  :: else
  fi
}
inline end_run(r) {
  send[r].state = OVER; send[r].age = 0; send[r].clock = 0; send[r].read1 = false; send[r].read2 = false;
  send[r].listed = 0; send[r].todo = 0; send[r].missed = 0; send[r].gone = 0;
  send[r].reached = 0
}

/* A killed run does nothing more, but what it has issued may still take effect, at any time. */
#define may_crash(r)            (is_running(r) && crashes < CRASHES && (RETRY || send[r].read1))

inline crash(r) {
  crashes++;
  printf("t=%d run %d is killed\n", now, r);
  if
  :: send[r].read1 ->
       send[r].state = KILLED; send[r].age = 0; send[r].clock = 0; send[r].read2 = false;
       send[r].listed = 0; send[r].reached = 0;
       settle(r)
  :: else -> end_run(r)
  fi
}
