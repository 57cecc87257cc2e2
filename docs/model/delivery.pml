/* delivery.pml - every message that was acknowledged reaches every device of its recipient, and none twice.
 *
 * One user with one or two devices, and runs of the send handler that send messages to that user. This file says what
 * may happen and when; the files that it includes say what it does. Each action is one step, and whatever may happen
 * at some time is a branch, so the checker tries every order. README.md tells the results.
 */
#include "rules.pml"
#include "state.pml"

/* Nothing can go wrong any more: nobody will acknowledge, and each device has what was acknowledged. */
#define is_over(r)              (send[r].state == OVER || send[r].state == KILLED)
#define has_all(d)              ((acked & ~(device[d].handed | device[d].before)) == 0)
#define settled                 (REMEMBER && DEDUPE_BY_ID && is_over(0) && is_over(RUNS / 2) && is_over(RUNS - 1) && \
                                 has_all(0) && has_all(other(0)))

#include "send.pml"
#include "register.pml"
#include "device.pml"

/* ---- the send handler, and its message on the way to a device --------------------------------------------- */
proctype Sender(byte r) provided (!settled) {
end:
  do
  :: d_step { may_begin(r) && !takes_entry(r, RIGHT) -> begin(r, RIGHT) }
  :: d_step { may_begin(r) && !takes_entry(r, FAST) && SKEW > 0 -> begin(r, FAST) }
  :: d_step { may_begin(r) && takes_entry(r, RIGHT) -> begin_with_entry(r, RIGHT) }
  :: d_step { may_begin(r) && takes_entry(r, FAST) && EXPIRY && SKEW > 0 -> begin_with_entry(r, FAST) }
  :: d_step { may_read(r) -> read_directory(r, 0, 0) }
  :: d_step { may_read(r) && may_be_stale(0) -> read_directory(r, one(0), 0) }
#if DEVICES == 2
  :: d_step { may_read(r) && may_be_stale(1) -> read_directory(r, one(1), 0) }
  :: d_step { may_read(r) && may_be_stale(0) && may_be_stale(1) -> read_directory(r, one(0) | one(1), 0) }
#endif
  :: d_step { may_read_again(r) -> read_directory_again(r, 0, 0) }
#if !READ2_CONSISTENT
  :: d_step { may_read_again(r) && may_be_stale(0) -> read_directory_again(r, one(0), 0) }
#endif
#if !CLOCK_FIRST
  :: d_step { may_read(r) && send[r].age < HANDLER_LIFE -> read_directory(r, 0, 1) }
  :: d_step { may_read_again(r) && send[r].age < HANDLER_LIFE -> read_directory_again(r, 0, 1) }
#endif
  :: d_step { may_append(r) -> append(r) }
  :: d_step { may_crash(r) -> crash(r) }
  od
}

proctype Push(byte r; byte d) provided (!settled) {
end:
  do
  :: d_step { may_post(r, d) -> post(r, d) }
  :: d_step { may_fail(r, d) -> fail(r, d) }
  :: d_step { may_remove(r, d) -> remove(r, d) }
  :: d_step { may_be_gone(r, d) -> say_gone(r, d) }
  :: d_step { may_forget(r, d) -> forget(r, d) }
  :: d_step { may_arrive(d, device[d].push[r]) -> receive_push(d, r) }
  od
}

/* ---- a registration: its handler, which may stop anywhere, and its reply ---------------------------------- */
proctype Register(byte d; byte a) provided (!settled) {
end:
  do
  :: d_step { may_start(d, a) -> start(d, a, RIGHT) }
  :: d_step { may_start(d, a) && SKEW > 0 -> start(d, a, FAST) }
#if PUT_FIRST
  :: d_step { may_put(d, a) && is_refused(d, a) -> refuse(d, a) }
  :: d_step { may_put(d, a) && !is_refused(d, a) -> register(d, a) }
#else
  :: d_step { reg(d, a).step == ASKED -> read_log_early(d, a) }
  :: d_step { reg(d, a).step == STARTED -> put_late(d, a) }
#endif
  :: d_step { reg(d, a).copy && !is_refused(d, a) -> repeat_put(d, a) }
#if PAGES == 2
  :: d_step { may_read_first(d, a) -> read_first_page(d, a); reply(d, a, 0) }
  :: d_step { may_read_first(d, a) -> read_first_page(d, a); printf("      and the reply is lost\n") }
#endif
  :: d_step { may_read_last(d, a) -> read_last_page(d, a, false) }
#if !LOG_CONSISTENT
  :: d_step { may_read_last(d, a) -> read_last_page(d, a, true) }
#endif
  :: d_step { may_arrive(d, reg(d, a).posted[0]) -> receive_page(d, a, 0) }
#if PAGES == 2
  :: d_step { may_arrive(d, reg(d, a).posted[1]) -> receive_page(d, a, 1) }
#endif
  od
}

/* ---- a ping's handler ------------------------------------------------------------------------------------- */
proctype Ping(byte d) provided (!settled) {
end:
  do
  :: d_step { may_ping(d) -> ping(d, RIGHT) }
  :: d_step { may_ping(d) && SKEW > 0 -> ping(d, FAST) }
  :: d_step { device[d].pingClock > 0 && may_extend(d) -> extend(d) }
  :: d_step { device[d].pingClock > 0 && !may_extend(d) -> tell_unregistered(d) }
  :: d_step { device[d].pingClock > 0 -> end_ping(d); printf("t=%d device %d: the ping's handler is killed\n", now, d) }
  od
}

/* ---- a device's connection -------------------------------------------------------------------------------- */
proctype Connection(byte d) provided (!settled) {
end:
  do
  :: d_step { reconnects < RECONNECTS -> reconnect(d) }
  :: d_step { may_register_again(d) -> register_again(d) }
  od
}

/* ---- time ------------------------------------------------------------------------------------------------- */
#define in_time(r)              (send[r].state != RUNNING || send[r].age < HANDLER_LIFE)
#define ping_in_time(d)         (device[d].pingClock == 0 || device[d].pingAge < PING_LIFE)
#define begun                   (TIME_FIRST || EXPIRY || now > 0 || send[0].state != IDLE)

inline tick() {
  now++;
  for (i : 0 .. RUNS - 1) {
    if :: send[i].state == RUNNING -> send[i].age++ :: else fi;
    if :: send[i].freshFor > 0 -> send[i].freshFor-- :: else fi
  }
  for (i : 0 .. DEVICES - 1) {
    if
    :: device[i].wasFor > 0 -> device[i].wasFor--; device[i].was = (device[i].wasFor > 0 -> device[i].was : 0)
    :: else
    fi;
    if :: device[i].pingClock > 0 -> device[i].pingAge++ :: else fi
  }
  printf("t=%d\n", now)
}

active proctype Clock() provided (!settled) {
end:
  do
  :: d_step {
       now < TICKS && begun && in_time(0) && in_time(RUNS / 2) && in_time(RUNS - 1) &&
       ping_in_time(0) && ping_in_time(other(0)) -> tick()
     }
  od
}

/* ---- the promise ------------------------------------------------------------------------------------------ */
/* A device is well: registered, its mapping valid for whoever looks, and no frame on its way to it. */
#define is_well(d)              (device[d].registered && device[d].expires > clock(FAST) && device[d].oldest == 0)
#define has_lost(d)             (is_well(d) && !has_all(d))

active proctype Promise() {
end:
  do
  :: d_step { has_lost(0) || has_lost(other(0)) -> printf("LOST: acknowledged, never handed over\n"); assert(false) }
  od
}

inline begin_registered(d) {
  put(d, 0);
  end_registration(d, 0);
  device[d].wasFor = 0;
  device[d].registered = true
}
inline begin_appended(r) {
  send[r].serial = clock(RIGHT);
  send[r].appended = true;
  send[r].state = OVER;
  now = 1
}

init {
  byte r, d, a;
  d_step {
    device[0].known = true;
    ask(0);
#if REGISTERED > 0
    begin_registered(0);
#endif
#if DEVICES == 2
    device[1].known = !NEWCOMER;
    ask(1);
#endif
#if REGISTERED > 1
    begin_registered(1);
#endif
#if APPENDED
    begin_appended(0);
#endif
  }
  atomic {
    for (r : 0 .. RUNS - 1) {
      run Sender(r);
      for (d : 0 .. DEVICES - 1) { run Push(r, d) }
    }
    for (d : 0 .. DEVICES - 1) {
      run Connection(d);
      run Ping(d);
      for (a : 0 .. REGISTRATIONS - 1) { run Register(d, a) }
    }
  }
}
