/* One host, two workers, discrete time: who may send a request? A lease ends TTL after the server granted or extended it;
   its owner reckons from when it sent the call, and starts nothing in the last MARGIN ticks. A request takes REQUEST ticks
   at most.

   default     two workers never believe at once that they may start a request
   -DWIRE      two requests are never on the wire at once
   -DFREEZE    a process may stop between the look at the clock and the request
   -DJUMP      the server's clock jumps ahead once, or it was not reached for as long
   -DGRACE     a script that finds the clock more than TTL/3 ahead has nothing taken back for another TTL (R8)
   -DFAIL      the replica is promoted, and what it did not have is lost
   -DWAITF     lease and extension count when the replica has them
   -DSPLIT     the old master goes on for those who still reach it; with WAITF it confirms nothing
   -DGOON      a master that has lost its replica is written to without WAIT                                             */
#define TTL 4
#ifndef MARGIN
#define MARGIN 2
#endif
#define REQUEST 2
#ifndef END
#define END 12
#endif
#define NOBODY 2
byte now, clk, seen, grace;                     /* true time; the server's clock, when a script last saw it, T:m.grace */
byte until, holder = NOBODY;                    /* the lease, as the master has it */
byte runtil, rholder = NOBODY;                  /* and as the replica has it */
bit jumped, failed;
bit has[2], wire[2]; byte from[2], since[2];    /* of a worker: it holds the lease, reckoned from; a request, sent at */

#define MAY(i) (has[i] && now < from[i] + TTL - MARGIN)
inline check() {
#ifdef WIRE
  assert(!(wire[0] && wire[1]))
#else
  assert(!(MAY(0) && MAY(1)))
#endif
}
inline open() {
#ifdef GRACE
  if :: clk - seen > TTL / 3 && holder != NOBODY -> grace = clk + TTL :: else fi;
#endif
  seen = clk }

#ifdef SPLIT
#define OLD(w) (failed && w == 0)               /* worker 0 still reaches the old master */
#else
#define OLD(w) false
#endif
byte ountil, oholder = NOBODY;                  /* the lease as the old master has it */

/* the replica confirms, or the call does not count; the old master has none */
#ifdef WAITF
#define WAIT(w) \
     atomic { true -> \
       if \
       :: ok && !OLD(w) && holder == w && until >= sent + TTL -> runtil = until; rholder = holder \
       :: ok && OLD(w) && GOESON \
       :: else -> ok = 0 \
       fi };
#else
#define WAIT(w)
#endif
#ifdef GOON
#define GOESON true
#else
#define GOESON false
#endif

active [2] proctype Worker() { byte sent; bit ok;
end:
  do
  :: now < END && !has[_pid] -> sent = now;     /* lease */
     atomic { true ->
       if
       :: OLD(_pid) -> if :: ountil <= clk -> ountil = clk + TTL; oholder = _pid; ok = 1 :: else fi
       :: else -> open(); if :: until <= clk && grace <= clk -> until = clk + TTL; holder = _pid; ok = 1 :: else fi
       fi };
     WAIT(_pid)
     atomic { true -> if :: ok -> has[_pid] = 1; from[_pid] = sent; ok = 0 :: else fi; check() }; sent = 0
  :: has[_pid] && now < END -> sent = now;      /* an ack */
     atomic { true ->
       if
       :: OLD(_pid) -> if :: oholder == _pid && ountil > clk -> ountil = clk + TTL; ok = 1 :: else fi
       :: else -> open(); if :: holder == _pid && (until > clk || grace > clk) -> until = clk + TTL; ok = 1 :: else fi
       fi };
     WAIT(_pid)
     atomic { true -> if :: ok -> from[_pid] = sent; ok = 0 :: else -> has[_pid] = 0; from[_pid] = 0 fi; check() }; sent = 0
  :: atomic { MAY(_pid) && !wire[_pid] ->
#ifdef FREEZE
     skip }; atomic { true ->
#endif
     wire[_pid] = 1; since[_pid] = now; check() };
     atomic { wire[_pid] -> wire[_pid] = 0; since[_pid] = 0 }
  od }

active proctype World() {
end:
  do
  :: atomic { now < END && !(wire[0] && now - since[0] >= REQUEST) && !(wire[1] && now - since[1] >= REQUEST) ->
       now++; clk++;
#ifdef GRACE
       open();                                  /* somebody calls at least once a tick */
#endif
       check() }
#ifdef FAIL
  :: atomic { !failed && (runtil != until || rholder != holder) -> runtil = until; rholder = holder }
  :: atomic { !failed -> failed = 1; ountil = until; oholder = holder; until = runtil; holder = rholder }
#endif
#ifdef JUMP
  :: atomic { !jumped -> jumped = 1; clk = clk + TTL + 1 }
#endif
  od }
