/* purge, and a crawl of the same name made again, beside workers, seeders and purgers of the earlier one that wake up
   late. A crawl has a random id; every script carries the id that its caller opened and changes nothing under another
   one, nor while the crawl is purged. purge: first the state, then slices, T:m last.

   T:m is id, purging and note (of the reign, by run.lua, for which a connection has opened nothing); the other keys are
   key[0] and key[1], which hold who wrote them.                                                                        */
byte id, purging, note, key[2];
byte ids = 1;                       /* the latest id that anybody drew */
byte gen;                           /* ghost: how often the crawl was made */
byte wrote[2];                      /* ghost: in which of these each key was written last */

#define CHECK(mine) (id == mine && !purging)

inline made(x) {                    /* init.lua */
  if
  :: id == 0 -> assert(!key[0] && !key[1] && !note); id = x; purging = 0; gen++
  :: else
  fi }

/* write is any script that changes keys: push, lease, ack, hold, beat */
inline write(k, mine, g) {
  if
#ifdef M_BLIND
  :: d_step { true ->
#else
  :: d_step { CHECK(mine) ->
#endif
       assert(g == gen); key[k] = mine; wrote[k] = g; assert(id == mine) }
#ifndef M_BLIND
  :: !CHECK(mine)                   /* ErrNoCrawl */
#endif
  fi }

proctype Purger(bit mortal) { byte mine;
  d_step { mine = id };
  if :: mine == 0 -> goto out :: else fi;
  if :: d_step { id == mine -> purging = 1 } :: id != mine -> goto out fi;
#ifdef M_FIRST
  if :: d_step { id == mine -> id = 0; purging = 0; note = 0 } :: id != mine fi;
#endif
  if :: true :: mortal -> goto out fi;
#ifdef M_SLICE
  d_step { key[0] = 0 };
  if :: true :: mortal -> goto out fi;
  d_step { key[1] = 0 };
#else
  if :: d_step { id == mine -> key[0] = 0 } :: id != mine -> goto out fi;
  if :: true :: mortal -> goto out fi;
  if :: d_step { id == mine -> key[1] = 0 } :: id != mine -> goto out fi;
#endif
  if :: true :: mortal -> goto out fi;
#ifndef M_FIRST
#ifdef M_LAST
  d_step { id = 0; purging = 0; note = 0 };
#else
  if :: d_step { id == mine -> assert(!key[0] && !key[1]); id = 0; purging = 0; note = 0 } :: id != mine fi;
#endif
#endif
out: skip }

/* Opener opens the crawl, making it if it is not there, and writes twice. When a reply is lost, or the crawl was removed
   meanwhile, it begins anew, with another id: an earlier one may be that of a crawl which others still have open. */
proctype Opener() { byte mine, g, tries = 2;
make: end:                          /* while it is purged: until somebody ends the purge */
  if
  :: atomic { tries > 0 -> tries--;
#ifdef M_SAMEID
       mine = (mine -> mine : ids + 1);
#else
       mine = ids + 1;
#endif
       ids++ }
  :: tries == 0 -> goto out
  fi;
end2:
  if
  :: d_step { !purging -> made(mine) };
     if :: skip :: goto make fi     /* the reply is lost */
  fi;
  if
  :: d_step { id != 0 && !purging -> g = gen; mine = id }     /* HMGET T:m */
  :: id == 0 || purging -> goto make
  fi;
  write(0, mine, g);
  write(1, mine, g);
out: skip }

/* Old is a worker of the first crawl. */
proctype Old() {
  write(0, 1, 1);
  write(1, 1, 1) }

/* Connection notes the reign that it finds: run.lua. */
proctype Connection() {
#ifdef M_NOTE
  d_step { note = 1 };
#else
  d_step { if :: id != 0 -> note = 1 :: else fi };
#endif
}

init { atomic { id = 1; gen = 1; key[0] = 1;
  run Old(); run Opener(); run Opener(); run Purger(1); run Purger(0); run Connection() } }

/* at rest: no key without its crawl, and none of another one */
active proctype End() {
  timeout;
  assert(id != 0 || (!key[0] && !key[1] && !note));
  assert(purging || id == 0 || ((wrote[0] != gen || key[0]) && (wrote[1] != gen || key[1])));
  assert(!key[0] || key[0] == id); assert(!key[1] || key[1] == id) }
