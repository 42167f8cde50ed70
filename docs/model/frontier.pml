/* The whole of a crawl in one partition: two hosts, two workers, a seeder. A d_step is a script.

   Page 0 of host 0 leads to 1 (host 1) and to 2 (host 0), 1 to 3 (host 0), 2 and 3 to 1 again. 4 (host 1) is a seed that
   comes late. Pages 1 and 2 may have to be tried again once. The link of page 0 to 2 is surplus: it is pushed under the
   token before the ack.

   XB     how often a live lease expires              BATCH   URLs of a lease
   LIMIT  max-pages, 0 for none
   -DSTOP the crawl is stopped at some moment; -DPAUSE it is paused, and resumed
   -DZOMBIE  page 0 is another one each time: only worker 0 finds 5 (host 0) in its surplus
   A drained crawl is one whose counts say so: the workers end, and all that was promised is asserted                  */
#ifndef XB
#define XB 1
#endif
#ifndef BATCH
#define BATCH 2
#endif
#ifndef LIMIT
#define LIMIT 0
#endif
#define UNSEEN 0
#define QUEUED 1
#define DELAYED 2
#define DONE 3
#define DEAD 4
#define RUNNING 0
#define PAUSED 1
#define STOPPING 2

#define Q(h, i) q[(h) * 4 + (i)]
byte q[8], ln[2], token[2], n[2], owner[2];
bit lent[2], ready[2];
byte st[6], settled[6]; bit tried[6];
byte seen, queued, delayed, leased, done_, dead_;       /* the counts of T:m */
byte state; bit hold;
bit down; byte xb = XB; bit seeding = 1, over;

#define SETTLED (done_ + dead_)
#ifdef M_LIMIT
#define CREDIT (LIMIT == 0 || SETTLED < LIMIT -> BATCH : 0)                    /* what is lent is not counted */
#else
#define CREDIT (LIMIT == 0 -> BATCH : LIMIT - SETTLED - leased)
#endif
#ifdef M_NODELAYED
#define EMPTY (queued == 0)
#else
#define EMPTY (queued + delayed == 0)
#endif
#ifdef M_NOHOLD
#define HELD false
#else
#define HELD hold
#endif
#define OVER (state == STOPPING || (LIMIT > 0 && SETTLED >= LIMIT) || (EMPTY && !HELD))
#ifdef M_NOLEASED
#define DRAINED OVER
#else
#define DRAINED (leased == 0 && OVER)
#endif

/* what fsck finds after every script */
inline check() {
  assert(seen == queued + delayed + leased + done_ + dead_);
  assert(queued + leased == ln[0] + ln[1] && leased == n[0] + n[1]);
  assert(ready[0] + lent[0] <= 1 && (ready[0] || lent[0] || ln[0] == 0) && n[0] <= ln[0]);
  assert(ready[1] + lent[1] <= 1 && (ready[1] || lent[1] || ln[1] == 0) && n[1] <= ln[1]);
  assert(LIMIT == 0 || SETTLED + leased <= LIMIT) }

inline append(h, u) {
  Q(h, ln[h]) = u; ln[h]++; queued++; st[u] = QUEUED;
#ifdef M_PUSHREADY
  ready[h] = 1
#else
  if :: !lent[h] -> ready[h] = 1 :: else fi
#endif
}
inline accept(h, u) { if :: st[u] == UNSEEN -> seen++; append(h, u) :: else fi }
inline links(u) {
  if
  :: u == 0 -> accept(1, 1)
  :: u == 1 -> accept(0, 3)
  :: u == 2 || u == 3 -> accept(1, 1)
  :: else
  fi }
inline finish(h) {
  queued = queued + n[h]; leased = leased - n[h]; lent[h] = 0; n[h] = 0; owner[h] = 0;
#ifdef M_FINISHBLIND
  ready[h] = 0
#else
  ready[h] = (ln[h] > 0)
#endif
}
inline grant(h, w) {
  m = (ln[h] < BATCH -> ln[h] : BATCH); m = (m < CREDIT -> m : CREDIT);
  ready[h] = 0; lent[h] = 1; owner[h] = w; n[h] = m; queued = queued - m; leased = leased + m;
  token[h]++; t = token[h]; it0 = Q(h, 0); it1 = (m > 1 -> Q(h, 1) : 0) }

#ifdef M_NOTOKEN
#define MINE lent[h]
#else
#define MINE (lent[h] && token[h] == t)
#endif
#ifdef M_PUSHBLIND
#define BLIND true
#else
#define BLIND false
#endif
#define DIES :: !down && w == 0 -> goto dead

proctype Worker(byte w) { byte h, t, m, u, it0, it1; bit again;
idle:
  do
  :: d_step { DRAINED -> check();
       if
       :: state == STOPPING
       :: LIMIT > 0 && SETTLED >= LIMIT -> assert(SETTLED == LIMIT)
       :: else ->
          assert(st[0] >= DONE); assert(st[1] >= DONE && st[2] >= DONE);
          assert(st[1] != DONE || st[3] >= DONE); assert(st[4] >= DONE); over = 1
       fi } -> goto out
  :: d_step { state == RUNNING && ready[0] && CREDIT > 0 -> h = 0; grant(0, w); check() } -> break
  :: d_step { state == RUNNING && ready[1] && CREDIT > 0 -> h = 1; grant(1, w); check() } -> break
  DIES
  od;
page:
  atomic { u = it0; it0 = it1; it1 = 0; again = 0 };
  if :: true :: (u == 1 || u == 2) && !tried[u] -> again = 1 DIES fi;
#ifdef M_ACKFIRST
  if :: u == 0 -> goto ack :: else fi;
#endif
surplus:
  if
  :: u != 0 || again
  :: d_step { u == 0 && !again && (MINE || BLIND) -> accept(0, 2);
#ifdef ZOMBIE
       if :: w == 0 -> if :: st[5] == UNSEEN -> assert(!over); accept(0, 5) :: else fi :: else fi;
#endif
       check() }
  :: u == 0 && !again && !(MINE || BLIND) -> goto lost
  DIES
  fi;
#ifdef M_ACKFIRST
  if :: u == 0 -> goto next :: else fi;
#endif
ack:
  if
  :: d_step { MINE ->
       assert(ln[h] > 0 && Q(h, 0) == u);             /* the URL that leaves is the one that was fetched */
       Q(h, 0) = Q(h, 1); Q(h, 1) = Q(h, 2); Q(h, 2) = Q(h, 3); Q(h, 3) = 0; ln[h]--; n[h]--; leased--;
       if
       :: again && !tried[u] -> tried[u] = 1; st[u] = DELAYED; delayed++
       :: again && tried[u] -> st[u] = DEAD; dead_++; settled[u]++
       :: !again -> st[u] = DONE; done_++; settled[u]++; links(u)
       fi;
       assert(settled[u] <= 1);
       if :: n[h] == 0 -> finish(h) :: else fi;
       check() }
  :: !MINE -> goto lost
  DIES
  fi;
#ifdef M_ACKFIRST
  if :: u == 0 -> goto surplus :: else fi;
next:
#endif
  if
  :: d_step { m > 1 -> m--; u = 0 } -> goto page
  :: m <= 1 -> goto lost
  fi;
lost:
  atomic { h = 0; t = 0; m = 0; u = 0; it0 = 0; it1 = 0; again = 0 };
  goto idle;
dead: down = 1;
out: skip }

#ifdef M_ATTEMPTLOST
#define COUNTED(u) tried[u] = 0;
#else
#define COUNTED(u)
#endif
#ifdef M_RETRYBLIND
#define REJOIN(h, u) Q(h, ln[h]) = u; ln[h]++; queued++; st[u] = QUEUED
#else
#define REJOIN(h, u) append(h, u)
#endif
#ifdef M_NORECLAIM
#define PASSES (state == RUNNING)                       /* who refuses to lend does not take back either */
#else
#define PASSES true
#endif
#define CUT(h) (lent[h] && PASSES && ((down && owner[h] == 0) || xb > 0))

/* what time brings: each script does it first */
active proctype Time() {
end:
  do
  :: d_step { CUT(0) -> if :: down && owner[0] == 0 :: else -> xb-- fi; finish(0); check() }
  :: d_step { CUT(1) -> if :: down && owner[1] == 0 :: else -> xb-- fi; finish(1); check() }
  :: d_step { st[1] == DELAYED -> delayed--; COUNTED(1) REJOIN(1, 1); check() }
  :: d_step { st[2] == DELAYED -> delayed--; COUNTED(2) REJOIN(0, 2); check() }
  od }

proctype Seeder() {
#ifdef M_HOLDLATE
  hold = 1;                                             /* the crawl was made in a step before */
#endif
  d_step { accept(0, 0); check() };
  d_step { accept(1, 4); hold = 0; check() };
  seeding = 0 }

active proctype Owner() {
#ifdef STOP
  state = STOPPING
#else
#ifdef PAUSE
  state = PAUSED; state = RUNNING
#else
  skip
#endif
#endif
}

init {
#ifndef M_HOLDLATE
  hold = 1;
#endif
  atomic { run Worker(0); run Worker(1); run Seeder() } }

active proctype End() { timeout -> assert(DRAINED) }
ltl ends { <> [] (DRAINED && !seeding) }
