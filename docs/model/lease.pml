/* Lease and ack of one host: its line has NU URLs, a lease lends BATCH of them, two are fetched at once and end in any
   order, acks settle a prefix and tell how many were settled before (R1). Replies get lost and calls are sent again with
   the same arguments; a lease has a request id (R12). A retry goes to the tail of the line and counts an attempt (R9).
   Worker 0 may die anywhere; leases of the living may expire, too (a worker that was frozen and comes back late).

   XB     how often a live lease expires        LOSS   how many replies get lost
   FAILS  restarts that bring back an earlier state: then the lease can be there, and its latest acks not             */
#ifndef XB
#define XB 1
#endif
#ifndef LOSS
#define LOSS 1
#endif
#ifndef FAILS
#define FAILS 0
#endif
#ifndef NU
#define NU 4
#endif
#define BATCH 3
#define QUEUED 1
#define DELAYED 2
#define DONE 3

typedef Server {
  byte q[4], ln;                    /* the line: URLs stay at its head until they are settled */
  byte token, n, base;              /* of the lease: URLs lent, settled so far */
  byte owner, asked; bit lent;
  byte st[4]; bit tried[4] };
Server s, saved;
byte tokens, requests;              /* never drawn twice: see token.pml */
byte xb = XB, loss = LOSS, fails = FAILS, settled[4];
bit down, failed, releases = 1; byte t[2];       /* the token that a worker holds */

inline copy(to, src) {
  to.ln = src.ln; to.token = src.token; to.n = src.n; to.base = src.base; to.owner = src.owner; to.asked = src.asked; to.lent = src.lent;
  i = 0; do :: i < 4 -> to.q[i] = src.q[i]; to.st[i] = src.st[i]; to.tried[i] = src.tried[i]; i++ :: else -> break od; i = 0 }
inline pop() { s.q[0] = s.q[1]; s.q[1] = s.q[2]; s.q[2] = s.q[3]; s.q[3] = 0; s.ln--; s.n-- }
inline append(u) { s.q[s.ln] = u; s.ln++; s.st[u] = QUEUED }
inline finish() { s.lent = 0; s.n = 0; s.base = 0; s.asked = 0; s.owner = 0 }

#ifdef M_NOTOKEN
#define MINE s.lent
#else
#define MINE (s.lent && s.token == t[id])
#endif
#ifdef M_NOFROM
#define NEAR true
#define SKIP 0
#else
#define NEAR (from <= s.base)
#define SKIP (s.base - from)
#endif
#define ALL(x) (s.st[0] == x && s.st[1] == x && (NU < 3 || s.st[2] == x) && (NU < 4 || s.st[3] == x))
#define DIES :: !down && id == 0 -> goto dead

proctype Worker(byte id) {
  byte m, i, k, from, busy, ask; byte it[3], r[3];       /* r: 0 waiting, 1 on the wire, 2 fetched, 3 to be tried again */
idle: end:
  if
  :: d_step { !s.lent && s.ln > 0 -> requests++; ask = requests }
  DIES
  fi;
lease:
  if
  :: d_step { true ->
       if
#ifndef M_NOREQUEST
       :: s.lent && s.asked == ask && s.owner == id -> skip        /* again: the same */
       :: (!s.lent || s.asked != ask || s.owner != id) && !s.lent && s.ln > 0 ->
#else
       :: !s.lent && s.ln > 0 ->
#endif
          tokens++; s.lent = 1; s.owner = id; s.asked = ask; s.token = tokens; s.n = (s.ln < BATCH -> s.ln : BATCH); s.base = 0
       :: else
#ifdef M_NOREQUEST
          -> ask = 0
#endif
       fi;
       if
       :: s.lent && ask && s.asked == ask && s.owner == id ->
          assert(s.base == 0); t[id] = s.token; m = s.n; it[0] = s.q[0]; it[1] = (m > 1 -> s.q[1] : 0); it[2] = (m > 2 -> s.q[2] : 0)
       :: else -> t[id] = 0; m = 0
       fi };
     if
     :: m > 0
     :: m == 0 -> goto rest
     :: atomic { loss > 0 && m > 0 -> loss--; t[id] = 0; m = 0; it[0] = 0; it[1] = 0; it[2] = 0 } -> goto lease
     fi
  DIES
  fi;
  ask = 0;
  do
  :: d_step { busy < 2 && from < m && r[from] == 0 -> r[from] = 1; busy++ }
  :: d_step { busy < 2 && from + 1 < m && r[from] != 0 && r[from+1] == 0 -> r[from+1] = 1; busy++ }
  :: d_step { busy < 2 && from + 2 < m && r[from] != 0 && r[from+1] != 0 && r[from+2] == 0 -> r[from+2] = 1; busy++ }
  :: d_step { r[0] == 1 -> r[0] = 2; busy-- }
  :: d_step { r[1] == 1 -> r[1] = 2; busy-- }
  :: d_step { r[2] == 1 -> r[2] = 2; busy-- }
  :: d_step { r[1] == 1 && !s.tried[it[1]] -> r[1] = 3; busy-- }
  :: d_step {
#ifdef M_ANYORDER
       (from < m && r[from] >= 2) || (from + 1 < m && r[from+1] >= 2) -> k = 1
#else
       from < m && r[from] >= 2 -> k = 1; if :: from + 1 < m && r[from+1] >= 2 -> k = 2 :: else fi
#endif
     };
ack:
     if
     :: d_step { MINE && NEAR -> i = SKIP;
          do
          :: i < k ->
             assert(s.ln > 0 && s.n > 0 && s.q[0] == it[from+i]);         /* the URL that leaves is the one meant */
             assert(r[from+i] >= 2);                                      /* and is fetched */
             if
             :: r[from+i] == 2 -> s.st[s.q[0]] = DONE; settled[s.q[0]]++; assert(FAILS || settled[s.q[0]] == 1)
             :: else -> s.st[s.q[0]] = DELAYED;
#ifndef M_ATTEMPTLOST
                s.tried[s.q[0]] = 1
#endif
             fi;
             pop(); s.base++; i++
          :: else -> break
          od;
          i = 0; if :: s.n == 0 -> finish() :: else fi };
        if :: true :: atomic { loss > 0 -> loss-- } -> goto ack fi
#ifndef M_NOFROM
     :: d_step { MINE && from > s.base ->             /* lost: acks were. The lease expires, the URLs come back */
#ifdef M_FAR
          failed = 1;
#endif
          from = m; k = 0 }
#endif
     :: d_step { !MINE -> from = m; k = 0 }           /* lost, or all of it has been done: nothing depends on it */
     DIES
     fi;
     atomic { from = from + k; k = 0 }
#ifdef RELEASE
  :: d_step { releases > 0 && MINE && from == s.base && busy == 0 && from < m -> releases--; finish(); from = m }
#endif
  :: from >= m -> break
  DIES
  od;
rest:
  atomic { t[id] = 0; m = 0; ask = 0; from = 0; busy = 0; it[0] = 0; it[1] = 0; it[2] = 0; r[0] = 0; r[1] = 0; r[2] = 0 };
  goto idle;
dead: down = 1 }

/* what time brings, and what goes wrong */
#ifdef M_RETRYHEAD
#define DUE(u) :: d_step { s.st[u] == DELAYED -> s.q[3] = s.q[2]; s.q[2] = s.q[1]; s.q[1] = s.q[0]; s.q[0] = u; s.ln++; s.st[u] = QUEUED }
#else
#define DUE(u) :: d_step { s.st[u] == DELAYED -> append(u) }
#endif
#define ORPHAN (s.lent && ((down && s.owner == 0) || (fails < FAILS && t[s.owner] != s.token)))
active proctype Time() { byte i;
end:
  do
  :: d_step { ORPHAN -> finish() }
  :: d_step { s.lent && !ORPHAN && xb > 0 -> xb--; finish() }
  DUE(0) DUE(1) DUE(2) DUE(3)
  :: d_step { fails > 0 -> copy(saved, s) }
  :: d_step { fails > 0 -> fails--; copy(s, saved) }
  od }

init { byte i;
  d_step { i = 0; do :: i < NU -> append(i); i++ :: else -> break od; copy(saved, s) };
  atomic { run Worker(0); run Worker(1) } }

active proctype End() { timeout -> assert(ALL(DONE) && !failed) }
ltl settle { <> ALL(DONE) }
