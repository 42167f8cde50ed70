/* The workers' seen cache, through failovers, without WAIT (docs/model/README.md says what each option shows).

   Pages a and b both link to x. There are two servers with one data set: what an ack wrote is copied at some moment, in
   order and whole, or lost when the other server is promoted. Visits 0 and 1 are of one worker and share its cache,
   visit 2 is of another worker. A connection notes the id of the server's reign in T:m before it is used (run.lua); an
   ack carries the id under which its links were filtered, and is answered `moved` when T:m has another one.

   default    the id is master_replid, read and noted by one script
   -DRUNID    the id is run_id, which stays with the process
   -DTWOSTEP  master_replid is read first, on a connection to a master, and noted after
   -DSURPLUS  x is pushed in a step of its own before the ack, as of a page with more than 500 links
   -DSURVIVE  connections to a server outlive its time as a replica
   -DCAP      x is refused at first, since its host has too long a line: nothing of that ack is cached then
   -DWAITF    WAIT 1 after each write: a reply counts only when the replica has it; -DTOLD: answered acks last
   FAILS      failovers; -DRESTART instead: the server comes back with the file it had saved, as another process      */
#ifndef FAILS
#define FAILS 2
#endif

typedef Data { bit a; bit b; bit x; byte note };
Data d[2];
byte master, reign = 1, fails = FAILS;
byte has[2];                        /* the reign whose stream a server follows: what master_replid says */
bit cached[2]; byte valid[2];       /* a worker's cache, and the id that it is valid for */
bit busy[2];                        /* who handles a page is not the subject here: see lines.pml */
bit told[2];                        /* an ack was answered */
byte lost = 1;                      /* replies that may get lost */

#ifdef CAP
bit cap = 1;                        /* the host of x has too long a line: links to it are refused, and not seen */
#define CAPPED (!known || M.x)
#define END true
#else
#define cap false
#define CAPPED false
#define END false
#endif
#ifdef SURVIVE
#define LINK  (1 + master)
#else
#define LINK  reign
#endif
#define UP    (link == LINK)
#define M     d[master]
#define ACKED(p) ((p) == 0 -> M.a : M.b)
#ifdef RUNID
#ifdef RESTART
#define ID(s) reign
#else
#define ID(s) ((s) + 1)
#endif
#else
#define ID(s) has[s]
#endif

inline adopt(w, id) { if :: valid[w] != id -> valid[w] = id; cached[w] = 0 :: else fi }

/* connect until there is a connection to the master of now, that has noted its id */
inline connect(w) {
  do
  :: UP -> break
  :: !UP ->
#ifdef TWOSTEP
       if
       :: d_step { s = 0; id = ID(0); born = reign }
       :: d_step { s = 1; id = ID(1); born = reign }
       fi;
       if
#ifdef M_NOROLE
       :: d_step { s == master -> link = LINK; M.note = id; adopt(w, id); s = 0; id = 0; born = 0 }
       :: d_step { s != master -> s = 0; id = 0; born = 0 }         /* READONLY: resolve again */
#else
       :: d_step { s == master && born == reign -> link = LINK; M.note = id; adopt(w, id); s = 0; id = 0; born = 0 }
       :: d_step { s != master || born != reign -> s = 0; id = 0; born = 0 }
#endif
       fi
#else
       d_step { link = LINK; id = ID(master);
#ifndef M_NONOTE
         M.note = id;
#endif
         adopt(w, id); id = 0 }
#endif
  od }

proctype Visit(byte w) {
  byte link, id, s, born, p, under; bit known, again, capped;
idle: end:
  if
  :: d_step { !ACKED(0) && !busy[0] -> busy[0] = 1; p = 0 }
  :: d_step { !ACKED(1) && !busy[1] -> busy[1] = 1; p = 1 }
  fi;
filter:
  connect(w);
  atomic { under = valid[w]; known = cached[w] && !again; again = 0 };
#ifdef SURPLUS
push:
  connect(w);
  if
  :: known -> skip
  :: d_step { !known && UP && M.note == under -> M.x = 1; known = 1 }
  :: d_step { !known && UP && M.note != under -> again = 1 } -> goto moved
  :: !known && !UP -> goto push
  fi;
#ifdef M_SURPLUSRUN
  under = valid[w];                   /* the ack carries the id of now, not that of the push */
#endif
#endif
ack:
  connect(w);
  if
  :: d_step { UP && (ACKED(p)
#ifndef M_NORUN
       || M.note == under
#endif
#ifdef M_NORUN
       || true
#endif
       ) ->
       if
       :: ACKED(p) ->               /* sent again: it has all been done. A cap may have kept x out */
#ifndef M_CAPPED
          capped = 1
#endif
       :: else -> if :: p == 0 -> M.a = 1 :: else -> M.b = 1 fi;
          if :: !known && !cap -> M.x = 1 :: !known && cap -> capped = 1 :: else fi
       fi; assert(M.x || CAPPED) };
#ifdef WAITF
     /* the reply comes after WAIT */
     if :: d_step { UP -> d[1 - master].a = M.a; d[1 - master].b = M.b; d[1 - master].x = M.x;
                    d[1 - master].note = M.note; has[1 - master] = reign }
        :: !UP -> goto ack
     fi;
#endif
     if
     :: skip
     :: d_step { lost > 0 -> lost--; capped = 0 } -> goto ack
     fi
  :: d_step { UP && !ACKED(p) && M.note != under -> again = 1 } -> goto moved
  :: !UP -> goto ack      /* broken on the way: connect again, send the same again */
  fi;
  skip;                             /* the reply may be read late */
#ifdef M_FILLBLIND
  d_step { cached[w] = 1;
#else
  d_step { if :: valid[w] == under && !capped -> cached[w] = 1 :: else fi;
#endif
    told[p] = 1; busy[p] = 0; p = 0; under = 0; known = 0; capped = 0 };
  goto idle;
moved:
  atomic {
#ifdef M_MOVEDKEEPS
    again = 0;                      /* it is only sent again, under the new id, with the same links left out */
#else
    cached[w] = 0;
#endif
    valid[w] = M.note };
#ifdef M_MOVEDKEEPS
  under = valid[w]; goto ack
#else
  goto filter
#endif
}

inline copy(from, to) { d[to].a = d[from].a; d[to].b = d[from].b; d[to].x = d[from].x; d[to].note = d[from].note }

active proctype Server() {
end:
  do
  :: d_step { (d[0].a != d[1].a || d[0].b != d[1].b || d[0].x != d[1].x || d[0].note != d[1].note
#ifndef RESTART
       || has[1 - master] != reign
#endif
       ) -> copy(master, 1 - master); has[1 - master] = reign }
#ifdef CAP
  :: cap -> cap = 0
#endif
  :: d_step { fails > 0 -> fails--; reign++;
#ifdef RESTART
       copy(1 - master, master);
#else
       master = 1 - master;
#endif
       has[master] = reign;
#ifdef TOLD
       assert(!told[0] || M.a); assert(!told[1] || M.b);
#endif
     }
  od }

init { d_step { d[0].note = 1; d[1].note = 1; has[0] = 1; has[1] = 1 }; atomic { run Visit(0); run Visit(0); run Visit(1) } }

/* every ack asserts that its page's link is there; at the end both pages are acked */
active proctype End() { timeout -> assert(M.a && M.b); assert(M.x || END) }
