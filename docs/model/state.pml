/* state.pml - what the world is made of, and the words that the actions are written in. */

mtype = {
  IDLE, RUNNING, KILLED, OVER,         /* a run of the send handler: killed ones may still have requests on their way */
  UNUSED, ASKED, STARTED, READY, DONE  /* a registration */
};

/* One run of the send handler. A set of devices, of runs or of messages is a byte with a bit for each. */
typedef Send {
  mtype state = IDLE;
  byte serial;          /* position of its entry in the log: the clock when the handler began           */
  byte clock;           /* EXPIRY: what it compares expiries with                                       */
  byte age;
  bool reuses;          /* a retry that found the entry of the run before it                            */
  bool read1, appended, read2;
  byte freshFor;        /* LOG_CONSISTENT=0: how long a stale read may miss its entry                   */
  byte listed;          /* the devices that read1 showed                                                */
  byte todo;            /* the devices that it has still to post to                                     */
  byte missed;          /* the devices that it could not reach, whose mappings have to go               */
  byte gone;            /* the devices that are said to be gone, whose mappings have to go               */
  byte reached;         /* the devices that it reached, where a rule that is off looks at them          */
};

/* One device of the recipient, and the server's view of its connection. */
typedef Device {
  bool registered;      /* its resume is complete                                                       */
  byte cursor;
  bool known;           /* it has a cursor                                                              */
  byte before;          /* the messages that came before it was known, and that another device got      */
  byte remembered;      /* the ids that it drops when they come again                                   */
  byte handed;          /* the messages that the application got                                        */
  byte awaited;         /* the registration whose reply it waits for                                    */
  byte pages;           /* the pages of that reply that it has processed                                */
  byte registrations;   /* how many it has asked for                                                    */
  bool unregistered;    /* it was told 'not_registered'                                                 */

  byte expires;         /* the mapping: when it expires; 0 when there is none                           */
  byte was, wasFor;     /* what it was before its last change, and how long a stale read may show that  */
  bool tombstone;       /* it was removed because the device missed a message                           */
  byte newest;          /* the newest registration that put it, counted from 1                          */
  byte pingClock;       /* the clock that the ping handler has read; 0 when there is none at work       */
  byte pingAge;

  byte push[RUNS];      /* the frame of that run is on its way: 1 + the tick of its posting, else 0     */
  byte oldest;          /* ... of all frames, of pushes and of replies                                  */
};

/* One registration of a device: its request, its handler, and its reply. */
typedef Registration {
  mtype step = UNUSED;
  byte cursor;          /* the cursor that it resumes from                                              */
  byte expires;         /* the expiry that it puts                                                      */
  bool copy;            /* LATE_PUTS: its put may land once more                                        */
  byte clock;           /* the clock of the first page's read                                           */
  byte next;            /* where the second page begins; 0 before the first one has been read           */
  byte posted[PAGES];   /* the page is on its way: 1 + the tick of its posting, else 0                  */
  byte entries[PAGES];  /* ... and carries the messages of these runs                                   */
  byte shown;           /* a new device: the messages that the other one has handed over                */
};

#define REGISTRATIONS   (1 + RECONNECTS + REREGISTERS)

Send send[RUNS];
Device device[DEVICES];
Registration registration[DEVICES * REGISTRATIONS];
byte now;
byte acked;             /* the messages that were acknowledged to their sender */
byte reconnects, reregisters, failures, crashes, pings, gones;

/* Scratch for single actions, no part of the state. */
hidden byte i, j, found, lowest;

#define FOREVER         255
#define NONE            255
#define one(k)          (1 << (k))
#define has(set, k)     (((set) >> (k)) & 1)
#define reg(d, a)       registration[(d) * REGISTRATIONS + (a)]
#define other(d)        (DEVICES - 1 - (d))

/* With RETRY, runs 0 and 1 carry the same message. */
#define message(r)      ((r) - (RETRY && (r) > 0))
#define is_retry(r)     (RETRY && (r) == 1)

/* A clock of the server: right, or as fast as it may be. */
#define RIGHT           0
#define FAST            SKEW
#define clock(offset)   (now + 1 + (offset))

/* ---- the mapping of a device's connection ----------------------------------------------------------------- */
inline set_mapping(d, expiry) {
  if
  :: STALE > 0 && device[d].expires != expiry -> device[d].was = device[d].expires; device[d].wasFor = STALE + 1
  :: else
  fi;
  device[d].expires = expiry
}

#define may_be_stale(d)         (device[d].wasFor > 0)

/* found := the devices whose mapping is valid at that time; of those in 'stale', as it was before. */
inline look_up(stale, time) {
  found = 0;
  for (i : 0 .. DEVICES - 1) {
    if
    :: (has(stale, i) -> device[i].was : device[i].expires) > (time) -> found = found | one(i)
    :: else
    fi
  }
}

/* ---- the frames on their way to a device ------------------------------------------------------------------ */
/* A frame may arrive unless one that was posted more than LATE ticks earlier is still on its way. */
#define may_arrive(d, posted)   (posted > 0 && posted <= device[d].oldest + LATE)

inline note_posted(d) {
  if :: device[d].oldest == 0 -> device[d].oldest = now + 1 :: else fi
}
inline note_arrived(d) {
  found = NONE;
  for (i : 0 .. RUNS - 1) {
    if :: device[d].push[i] > 0 && device[d].push[i] < found -> found = device[d].push[i] :: else fi
  }
  for (i : 0 .. REGISTRATIONS - 1) {
    for (j : 0 .. PAGES - 1) {
      if :: reg(d, i).posted[j] > 0 && reg(d, i).posted[j] < found -> found = reg(d, i).posted[j] :: else fi
    }
  }
  device[d].oldest = (found == NONE -> 0 : found)
}
