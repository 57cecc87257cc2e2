/* ending.pml - what a connection leaves behind when it ends, and who finds it.
 *
 * A connection is in room 0 and joins room 1; it ends, at any moment; the client opens another one and resumes. Three kinds of
 * items: the user's mapping (is the connection live?), its subscriptions (what else has to go?), the mapping of each room
 * (where to post). A handler may die after any write. Each action is one step. README.md tells the results.
 */
#ifndef NOTE_FIRST
#define NOTE_FIRST 1          /* a join writes the subscriptions, then the mapping of the room               */
#endif
#ifndef LIVE_FIRST
#define LIVE_FIRST 1          /* who ends a connection deletes the user's mapping, then the subscriptions    */
#endif
#ifndef ALWAYS_READ
#define ALWAYS_READ 1         /* ... and reads the subscriptions although the user's mapping is gone         */
#endif
#ifndef PUT_THEN_READ
#define PUT_THEN_READ 1       /* a join makes the mapping, then reads the log                                */
#endif
#ifndef CRASHES
#define CRASHES 2             /* handlers that die                                                           */
#endif

bool open = true;             /* the connection                                                              */
bool live = true;             /* the user's mapping is there                                                 */
bool noted0 = true, noted1;   /* the subscriptions tell of the room                                          */
bool mapped0 = true, mapped1; /* the mapping of the room is there                                            */
bool fresh;                   /* the mapping in room 0 of the connection that the client opens next          */
bool logged, handed, acked;   /* the message to room 0: is in its log, is with the device, is acknowledged   */
bool torn;                    /* the subscriptions were taken, and a mapping that they told of was made or left after that:
                                 only a message to its own room finds it                                     */
byte crashes, ending;
bool joining = true;

#define may_die                 crashes < CRASHES -> crashes++

/* Deletes what there is of the connection. 'shown' is whether a post has found the mapping of room 0 dead. */
#define forget(shown) \
  d_step { ending++; wasLive = live; taken0 = false; taken1 = false; \
           if :: LIVE_FIRST -> live = false :: else -> take_subscriptions() fi } \
  if :: may_die; goto died :: skip fi; \
  d_step { if :: !LIVE_FIRST -> live = false \
              :: LIVE_FIRST && (wasLive || ALWAYS_READ) -> take_subscriptions() \
              :: else fi } \
  if :: may_die; torn = torn || taken0 || taken1; goto died :: skip fi; \
  d_step { if :: taken0 || shown -> mapped0 = false :: else fi; \
           if :: taken1 -> mapped1 = false :: else fi; \
           ending--; taken0 = false; taken1 = false; wasLive = false }

inline take_subscriptions() {
  taken0 = noted0; taken1 = noted1; noted0 = false; noted1 = false;
  torn = torn || joining
}

/* The gate lets the frame through, and the connection may end before the next write. */
proctype Join() {
  if
  :: live ->
       if :: NOTE_FIRST -> noted1 = true :: else -> mapped1 = true fi;
       if
       :: may_die
       :: skip -> if :: NOTE_FIRST -> mapped1 = true :: else -> noted1 = true fi
       fi
  :: !live
  fi;
  joining = false
}

/* The connection ends. $disconnect may come, or not. */
proctype Disconnect() {
  bool wasLive, taken0, taken1;
  open = false;
  if :: skip :: goto over fi;
  forget(false);
  goto over;
died:
  ending--;
over:
  skip
}

/* The user's mapping expires some time after the connection has ended, or is not written any more. */
proctype Expire() {
  if :: !open -> live = false :: !open fi
}

/* The client comes back, and joins room 0 with a cursor from before. */
proctype Resume() {
  !open;
  if :: PUT_THEN_READ -> fresh = true :: else fi;
  if :: logged -> handed = true :: else fi;
  fresh = true
}

/* Sends a message to room 0, again if the handler dies. */
proctype Send() {
  bool wasLive, wasQuiet, taken0, taken1, seen;
again:
  logged = true;
  d_step {
    if :: fresh || (mapped0 && open) -> handed = true :: else fi;
    seen = mapped0 && !open;
    wasQuiet = (!joining && ending == 0)
  }
  if
  :: seen ->
       forget(true);
       /* left behind: the mapping of the other room, of which the subscriptions tell */
       assert(!(wasQuiet && ending == 0 && !torn && mapped1))
  :: else
  fi;
  acked = true;
  goto over;
died:
  ending--;
  goto again;
over:
  skip
}

init {
  atomic { run Join(); run Disconnect(); run Expire(); run Resume(); run Send() }
  _nr_pr == 1;
  assert(handed || !acked)   /* lost */
}
