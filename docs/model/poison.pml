/* R11: which URL kills its workers? Hosts 0 and 1 have a and b, which are innocent; host 2 has c, which kills, and before
   it x with -DLAG. Two workers, each may hold all hosts; one that died comes back under another name.

   A lease that is cut off puts its host on probation: one URL at a time, until one is settled. A URL that was lent alone
   then gets a strike, at the third it is dead. One with two strikes is on trial: lent to a worker only while that holds
   no other on trial.

   At the end c is dead and nothing else in line. -DINNOCENT asserts that nothing but c dies.
   -DTRIALS: all of a, b and c begin with two strikes, and there is one worker                                         */
#define A 0
#define B 1
#define C 2
#define X 3
#define NONE 9
byte first[3], second[3];                       /* the line of a host */
bit lent[3], cut[3]; byte n[3], total[3], owner[3], probation[3];
bit trial[2];                                   /* T:p: the worker holds one */
byte strikes[4], alone[4]; bit dead[4];

#define ELIGIBLE(h) (!lent[h] && first[h] != NONE)
#ifdef M_NOTRIAL
#define ONTRIAL(h) false
#else
#define ONTRIAL(h) (probation[h] > 0 && strikes[first[h]] >= 2)
#endif

inline lend(h, w) {

  lent[h] = 1; owner[h] = w;
  if :: ONTRIAL(h) -> trial[w] = 1; probation[h] = 2 :: else fi;
  n[h] = (probation[h] > 0 || second[h] == NONE -> 1 : 2); total[h] = n[h] }

inline pop(h) { first[h] = second[h]; second[h] = NONE; n[h]-- }

inline finish(h) {
  if
  :: probation[h] == 2 -> probation[h] = 1;
#ifndef M_LEAK
     if :: !cut[h] -> trial[owner[h]] = 0 :: else fi      /* else that name is gone */
#endif
  :: else
  fi;
  lent[h] = 0; cut[h] = 0; n[h] = 0; total[h] = 0; owner[h] = 0 }

inline settle(h) {
  pop(h);
  if :: n[h] == 0 -> finish(h) :: else fi;
  probation[h] = 0 }

inline die(w) {
  if :: lent[0] && owner[0] == w -> cut[0] = 1 :: else fi;
  if :: lent[1] && owner[1] == w -> cut[1] = 1 :: else fi;
  if :: lent[2] && owner[2] == w -> cut[2] = 1 :: else fi;
  trial[w] = 0 }

inline expire(h) {
  if :: total[h] == 1 -> alone[first[h]]++ :: else fi;
#ifdef M_HEAD
  strikes[first[h]]++;                          /* whoever is first is blamed */
#else
  if :: total[h] == 1 -> strikes[first[h]]++ :: else fi;
#endif
  if
  :: strikes[first[h]] >= 3 -> dead[first[h]] = 1;
     assert(alone[first[h]] >= 3);              /* deaths of its own workers, while it was lent alone */
#ifdef INNOCENT
     assert(first[h] == C);
#endif
     pop(h)
  :: else
  fi;
  finish(h);
  probation[h] = 1 }

#define KILLS(w) (lent[2] && !cut[2] && owner[2] == w && (first[2] == C || (n[2] == 2 && second[2] == C)))

proctype Worker(byte w) { 
end:
  do
  :: d_step { ELIGIBLE(0) && (!ONTRIAL(0) || !trial[w]) -> lend(0, w) }
  :: d_step { ELIGIBLE(1) && (!ONTRIAL(1) || !trial[w]) -> lend(1, w) }
  :: d_step { ELIGIBLE(2) && (!ONTRIAL(2) || !trial[w]) -> lend(2, w) }
  :: d_step { lent[0] && !cut[0] && owner[0] == w -> settle(0) }
  :: d_step { lent[1] && !cut[1] && owner[1] == w -> settle(1) }
  :: d_step { lent[2] && !cut[2] && owner[2] == w && first[2] != C -> settle(2) }
  :: d_step { KILLS(w) -> die(w) }
  od }

proctype Time() {
end:
  do
  :: d_step { cut[0] -> expire(0) }
  :: d_step { cut[1] -> expire(1) }
  :: d_step { cut[2] -> expire(2) }
  od }

init { d_step { first[0] = A; first[1] = B; second[0] = NONE; second[1] = NONE;
#ifdef LAG
  first[2] = X; second[2] = C;
#else
  first[2] = C; second[2] = NONE;
#endif
#ifdef TRIALS
  strikes[A] = 2; strikes[B] = 2; strikes[C] = 2; alone[A] = 2; alone[B] = 2; alone[C] = 2;
  probation[0] = 1; probation[1] = 1; probation[2] = 1
#endif
  }
  atomic { run Time(); run Worker(0);
#ifndef TRIALS
    run Worker(1)
#endif
  } }

active proctype End() { timeout -> assert(first[0] == NONE && first[1] == NONE && first[2] == NONE && dead[C]) }
ltl dies { <> (first[0] == NONE && first[1] == NONE && first[2] == NONE && dead[C]) }
