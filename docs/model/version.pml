/* A worker's plan: the policy and the seeds, which widen the scope, as of some version of the crawl. A lease carries the
   version; its visit begins after the plan is at least as new. So a page lent after a seed was accepted is judged with
   that seed in the scope.

   Seeds 1 and 2 come from outside, seed 3 from a redirect that the worker itself reports in an ack: it widens its own
   scope at once. Two visits share the plan of their worker; one at a time reloads it.

   FAILS   failovers or restarts that lose the latest writes
   -DREIGN the plan is of one reign, like the seen cache: in another one all of it is read again
   -DVCLK  versions are the maximum of the next number and the clock, like tokens
   -DENDLESS  the version is raised for ever, and the host is given back when the plan is outdated                     */
#ifndef FAILS
#define FAILS 0
#endif
byte seeds[3], n, ver = 1, clk = 1;             /* the crawl's: T:seeds, and of T:m */
byte saved[3], sn, sver = 1;                    /* what a failover brings back */
byte reign = 1, fails = FAILS, pages = 3;
byte plan = 1, got; bit scope[4]; byte era = 1; /* the worker's: version, seeds read, their hosts, reign */
bit lock, redirected, done;

inline raise() {
#ifdef VCLK
  ver = (ver + 1 > clk -> ver + 1 : clk)
#else
#ifdef ENDLESS
  ver = (ver == 3 -> 1 : ver + 1)
#else
  ver++
#endif
#endif
}
inline seed(s) { seeds[n] = s; n++; raise() }

proctype Visit() { byte v, i, c; bit g[4], now[4]; bit old;
idle: end:
  atomic { pages > 0 && !done ->                                       /* lease */
#ifndef ENDLESS
    pages--;
#endif
    v = ver; g[1] = 0; g[2] = 0; g[3] = 0; i = 0;
    do :: i < n -> g[seeds[i]] = 1; i++ :: else -> break od; i = 0 };
#ifndef M_NORELOAD
  atomic { !lock -> lock = 1; old = (plan != v) };
  if
  :: old ->
#ifdef M_SEEDSFIRST
     atomic { do :: got < n -> scope[seeds[got]] = 1; got++ :: else -> break od };
     atomic { plan = ver; old = 0 }
#else
     atomic { c = ver;                                                 /* Crawl */
#ifdef REIGN
       if :: era != reign -> era = reign; got = 0 :: else fi
#endif
     };
     atomic { do :: got < n -> scope[seeds[got]] = 1; got++ :: else -> break od;    /* Seeds(first = got) */
       plan = c; c = 0; old = 0 }
#endif
  :: !old
  fi;
  lock = 0;
#endif
#ifdef ENDLESS
#ifdef M_BACKFIRST
  if :: plan == ver -> skip :: plan != ver -> goto idle fi;
#endif
  done = 1; v = 0;
#else
  /* the page is parsed. When one of its seeds is lost, so is its lease, which is younger: the ack will be refused */
  d_step { i = 0; now[1] = 0; now[2] = 0; now[3] = 0;
    do :: i < n -> now[seeds[i]] = 1; i++ :: else -> break od;
    if
    :: (!g[1] || now[1]) && (!g[2] || now[2]) && (!g[3] || now[3]) ->
       assert(!g[1] || scope[1]); assert(!g[2] || scope[2]); assert(!g[3] || scope[3])
    :: else
    fi;
    i = 0; v = 0; g[1] = 0; g[2] = 0; g[3] = 0; now[1] = 0; now[2] = 0; now[3] = 0 };
  if
  :: atomic { !redirected -> redirected = 1; scope[3] = 1; seed(3)     /* ack */
#ifdef M_COUNTOWN
     ; got++
#endif
     }
  :: skip
  fi;
#endif
  goto idle
}

active proctype Seeder() {
#ifdef ENDLESS
end: do :: d_step { raise() } od
#else
  if :: d_step { n < 3 -> seed(1) } :: skip fi;
  if :: d_step { n < 3 -> seed(2) } :: skip fi
#endif
}

active proctype Server() {
end:
  do
  :: d_step { fails > 0 && (sn != n || sver != ver) ->
       saved[0] = seeds[0]; saved[1] = seeds[1]; saved[2] = seeds[2]; sn = n; sver = ver }
  :: d_step { fails > 0 -> fails--; clk = ver + 1;
       seeds[0] = saved[0]; seeds[1] = saved[1]; seeds[2] = saved[2]; n = sn; ver = sver;
#ifdef REIGN
       reign++; raise()             /* by run.lua, before any other command of the new reign */
#endif
     }
  od }

init { atomic { run Visit(); run Visit() } }

ltl works { <> done }
