/* device.pml - a device of the recipient: connects, registers, receives, resumes. */

/* ---- connecting ------------------------------------------------------------------------------------------- */
inline ask(d) {
  forget_replies(d);
  found = device[d].registrations;
  device[d].registrations++;
  device[d].registered = false;
  device[d].unregistered = false;
  device[d].awaited = found;
  device[d].pages = 0;
  reg(d, found).step = ASKED;
  reg(d, found).cursor = device[d].cursor;
  reg(d, found).expires = (EXPIRY -> 0 : FOREVER);
  printf("      device %d asks for registration %d, cursor %d\n", d, found, reg(d, found).cursor)
}

/* Once a connection has broken nothing of it reaches the device any more: neither its mapping, nor a post to it, nor
 * a reply on it. So there is only the current one, and all that belongs to the one before is forgotten. */
inline reconnect(d) {
  reconnects++;
  printf("t=%d the connection of device %d breaks, with all frames on their way; it opens another\n", now, d);
  device[d].expires = 0; device[d].was = 0; device[d].wasFor = 0; device[d].tombstone = false; device[d].newest = 0;
  device[d].oldest = 0;
  end_ping(d);
  for (j : 0 .. REGISTRATIONS - 1) {
    if :: j < device[d].registrations -> reg(d, j).copy = false; end_registration(d, j); drop_reply(d, j) :: else fi
  }
  for (j : 0 .. RUNS - 1) {
    device[d].push[j] = 0;
    send[j].listed = send[j].listed & ~one(d);
    send[j].todo = send[j].todo & ~one(d);
    send[j].missed = send[j].missed & ~one(d);
    send[j].gone = send[j].gone & ~one(d);
    settle(j)
  }
  ask(d)
}
/* The replies to the registrations before do not count; their puts may still come. */
inline forget_replies(d) {
  for (j : 0 .. REGISTRATIONS - 1) {
    if
    :: MATCH_REPLY && reg(d, j).step == READY -> end_registration(d, j); drop_reply(d, j)
    :: MATCH_REPLY && reg(d, j).step == DONE -> drop_reply(d, j)
    :: else
    fi
  }
  note_arrived(d)
}
inline drop_reply(d, a) {
  reg(d, a).clock = 0;
  reg(d, a).shown = 0;
  for (i : 0 .. PAGES - 1) { reg(d, a).posted[i] = 0; reg(d, a).entries[i] = 0 }
}

/* On the same connection: it was told that it is not registered, or it got no reply in time. */
#define may_register_again(d)   (reregisters < REREGISTERS && (device[d].unregistered || !device[d].registered))

inline register_again(d) {
  reregisters++;
  printf("t=%d device %d registers again on the same connection\n", now, d);
  ask(d)
}

/* ---- receiving -------------------------------------------------------------------------------------------- */
#define id(r)                   (DEDUPE_BY_ID -> message(r) : r - send[r].reuses)

inline hand_over(d, r) {
  if
  :: !has(device[d].remembered, id(r)) ->
       printf("      device %d hands message %d to the application\n", d, message(r));
       assert(!has(device[d].handed, message(r)));   /* never twice */
       device[d].remembered = device[d].remembered | one(id(r));
       device[d].handed = device[d].handed | one(message(r))
  :: else
  fi
}
inline move_cursor(d, to) {
  if
  :: to > device[d].cursor ->
       device[d].cursor = to;
       printf("      the cursor of device %d is %d\n", d, to);
       forget_ids(d)
  :: else
  fi
}
inline forget_ids(d) {
  for (i : 0 .. RUNS - 1) {
    if
    :: !REMEMBER && send[i].serial + OVERLAP < device[d].cursor ->
         device[d].remembered = device[d].remembered & ~one(id(i))
    :: else
    fi
  }
}
inline receive_push(d, r) {
  device[d].push[r] = 0;
  note_arrived(d);
  printf("t=%d device %d receives message %d, serial %d\n", now, d, message(r), send[r].serial);
  hand_over(d, r);
  if :: device[d].registered || !HOLD_CURSOR -> move_cursor(d, send[r].serial) :: else fi
}
inline receive_page(d, a, page) {
  reg(d, a).posted[page] = 0;
  note_arrived(d);
  printf("t=%d device %d receives the reply to registration %d, page %d: runs %d\n",
    now, d, a, page + 1, reg(d, a).entries[page]);
  if
  :: !device[d].registered && (a == device[d].awaited || !MATCH_REPLY) -> resume(d, a, page)
  :: else -> drop_reply(d, a)
  fi
}
/* With DEDUPE_BY_ID=0 there is one device, of which none is new. */
inline take_shown(d, a) {
  if :: !device[d].known -> device[d].remembered = device[d].remembered | reg(d, a).shown :: else fi
}
inline resume(d, a, page) {
  take_shown(d, a);
  for (j : 0 .. RUNS - 1) {
    if :: has(reg(d, a).entries[page], j) -> hand_over(d, j) :: else fi
  }
  reg(d, a).entries[page] = 0;
  device[d].pages = device[d].pages | one(page);
  if
  :: device[d].pages == one(PAGES) - 1 || !ALL_PAGES ->
       device[d].registered = true;
       if
       :: !device[d].known -> device[d].known = true; device[d].before = device[other(d)].handed
       :: else
       fi;
       device[d].pages = 0;
       printf("      the resume of device %d is complete\n", d);
       move_cursor(d, reg(d, a).clock);
       drop_reply(d, a)
  :: else
  fi
}
