/* rules.pml - the rules of the protocol, the bounds of a check, and the times that the protocol relies on.
 *
 * Every rule is on. -DREAD2=0 takes that one away, and the checker finds what breaks without it.
 */

/* ---- the sender's rules --------------------------------------------------------------------------------- */
#ifndef READ2
#define READ2 1               /* the directory is read a second time                                         */
#endif
#ifndef READ2_AFTER_APPEND
#define READ2_AFTER_APPEND 1  /* ... once the append to the log has succeeded                                */
#endif
#ifndef READ2_CONSISTENT
#define READ2_CONSISTENT 1    /* ... with a strongly consistent read                                         */
#endif
#ifndef CLOCK_FIRST
#define CLOCK_FIRST 1         /* the clock that expiries are compared with is read before the directory      */
#endif
#ifndef GAPLESS
#define GAPLESS 1             /* a device that missed a message loses its mapping before the acknowledgement */
#endif
#ifndef GAPLESS_EACH
#define GAPLESS_EACH 1        /* ... also when another device of the user got the message                    */
#endif
#ifndef ACK_ALL
#define ACK_ALL 1             /* the acknowledgement waits for the outcome on every device, not on one       */
#endif
#ifndef FORGET_AFTER_APPEND
#define FORGET_AFTER_APPEND 1 /* a device that is said to be gone is forgotten once the append has succeeded */
#endif
#ifndef FORGET_NUMBERED
#define FORGET_NUMBERED 1     /* ... and its mapping expires, which leaves the number of its registration    */
#endif
#ifndef RETRY_DELIVERS
#define RETRY_DELIVERS 1      /* a retry that finds its message in the log posts it all the same             */
#endif
#ifndef RETRY_YOUNG
#define RETRY_YOUNG 1         /* ... and takes that entry only if it is young; else it appends anew          */
#endif

/* ---- the rules of register and ping --------------------------------------------------------------------- */
#ifndef PUT_FIRST
#define PUT_FIRST 1           /* register puts the mapping, then reads the log                               */
#endif
#ifndef LOG_CONSISTENT
#define LOG_CONSISTENT 1      /* ... with strongly consistent reads                                          */
#endif
#ifndef TOMBSTONE
#define TOMBSTONE 1           /* a mapping that was removed stays removed, whichever put still comes         */
#endif
#ifndef NUMBERED
#define NUMBERED 1            /* registrations on a connection are numbered: an older put is refused         */
#endif
#ifndef NO_REVIVAL
#define NO_REVIVAL 1          /* a ping does not extend a mapping that has expired                           */
#endif
#ifndef PING_MARGIN
#define PING_MARGIN 1         /* ... or is about to                                                          */
#endif

/* ---- the device's rules --------------------------------------------------------------------------------- */
#ifndef OWN_CURSOR
#define OWN_CURSOR 1          /* it resumes from its own cursor, not from one that the user's devices share  */
#endif
#ifndef HOLD_CURSOR
#define HOLD_CURSOR 1         /* pushes do not move the cursor until the resume is complete                  */
#endif
#ifndef ALL_PAGES
#define ALL_PAGES 1           /* all pages complete a resume, not any one of them                            */
#endif
#ifndef FIRST_PAGE_CLOCK
#define FIRST_PAGE_CLOCK 1    /* after a resume the cursor is at most the clock of the first page's read     */
#endif
#ifndef MATCH_REPLY
#define MATCH_REPLY 1         /* a reply counts only for the request that it answers                         */
#endif
#ifndef DEDUPE_BY_ID
#define DEDUPE_BY_ID 1        /* a message is known by the id its sender chose, not by its serial            */
#endif
#ifndef SHOWN_BY_ID
#define SHOWN_BY_ID 1         /* a new device drops what another one has handed over, by id, not by position */
#endif
#ifndef REMEMBER
#define REMEMBER 1            /* ids are remembered for longer than the overlap                              */
#endif

/* ---- the world: times in ticks -------------------------------------------------------------------------- */
#ifndef HANDLER_LIFE
#define HANDLER_LIFE 1        /* a send handler lives at most this long                                      */
#endif
#ifndef STALE
#define STALE 1               /* an eventually consistent read is at most this old                           */
#endif
#ifndef SKEW
#define SKEW 1                /* two clocks of the server differ by at most this                             */
#endif
#ifndef LATE
#define LATE 0                /* a frame is overtaken only by frames posted at most this much later          */
#endif
#define UNBOUNDED 99
#ifndef TTL
#define TTL 3                 /* how long a mapping lives after a sign of life                               */
#endif
#ifndef PING_LIFE
#define PING_LIFE 0           /* a ping's write takes effect at most this long after its clock was read      */
#endif
#ifndef MARGIN
#define MARGIN (PING_MARGIN * (SKEW + PING_LIFE))
#endif
#ifndef RETRY_AGE
#define RETRY_AGE 1           /* RETRY_YOUNG: an entry is young up to this age                               */
#endif
#if STALE > LATE
#define BEHIND STALE
#else
#define BEHIND LATE
#endif
#ifndef OVERLAP
#define OVERLAP (HANDLER_LIFE + SKEW + BEHIND + RETRY * RETRY_AGE)  /* a tick less is too little             */
#endif

/* ---- the bounds: what may happen, and how often --------------------------------------------------------- */
#ifndef DEVICES
#define DEVICES 1             /* devices of the recipient: 1 or 2                                            */
#endif
#ifndef NEWCOMER
#define NEWCOMER 0            /* 1: the last device is new: it has no cursor until its first resume          */
#endif
#ifndef RUNS
#define RUNS 2                /* runs of the send handler: 1, 2 or 3                                         */
#endif
#ifndef RETRY
#define RETRY 0               /* 1: run 1 is the sender's retry of run 0                                     */
#endif
#ifndef REGISTERED
#define REGISTERED 0          /* devices that are registered when the check begins                           */
#endif
#ifndef APPENDED
#define APPENDED 0            /* 1: when the check begins run 0 has been killed after its append             */
#endif
#ifndef TICKS
#define TICKS 7               /* how long time goes on                                                       */
#endif
#ifndef TIME_FIRST
#define TIME_FIRST 0          /* 1: time may pass before the first message; it only makes cursors older      */
#endif
#ifndef RECONNECTS
#define RECONNECTS 1          /* connections that break, all devices                                         */
#endif
#ifndef REREGISTERS
#define REREGISTERS 0         /* registrations on a connection that has one already, all devices             */
#endif
#ifndef FAILURES
#define FAILURES 1            /* posts that fail                                                             */
#endif
#ifndef GONE
#define GONE 0                /* posts to a living connection that are answered 410                          */
#endif
#ifndef CRASHES
#define CRASHES 1             /* send handlers that are killed                                               */
#endif
#ifndef PINGS
#define PINGS 0               /* pings, all devices                                                          */
#endif
#ifndef EXPIRY
#define EXPIRY 0              /* 1: mappings expire                                                          */
#endif
#ifndef LATE_PUTS
#define LATE_PUTS 0           /* 1: the put of a registration may land a second time, at any later time      */
#endif
#ifndef PAGES
#define PAGES 1               /* pages of a resume: 1 or 2                                                   */
#endif
