/* What a token must be (R2). One host; URL 0 is in line, URL 1 comes later. The owner may be frozen and ack late, leases
   expire, and one failover brings back an earlier state.

   default     one counter for the crawl, the maximum of the next number and the clock, and a nonce of the request
   -DNONONCE   without the nonce                -DPERHOST  a counter in the host's record, which goes with the record
   FAILS       failovers; -DBEHIND: the new master's clock is behind; -DSLOW: less than one lease a tick                */
#ifndef FAILS
#define FAILS 1
#endif
byte at = 0, counter, clk = 1, token, nonce; bit lent;          /* at 2: the line is empty */
byte rat, rcounter, rtoken, rnonce; bit rlent, rpushed;         /* as the replica has it */
bit pushed; byte nonces, fails = FAILS, late = 1;

#ifdef NONONCE
#define MINE (lent && token == t)
#else
#define MINE (lent && token == t && nonce == k)
#endif
#ifdef SLOW
#define TICKED (clk > counter)
#else
#define TICKED true
#endif
proctype Worker() { byte t, u, k;
end:
  do
  :: atomic { !lent && at < 2 && TICKED -> lent = 1; u = at;    /* lease */
#ifdef PERHOST
       counter++;
#else
       counter = (counter + 1 > clk -> counter + 1 : clk);
#endif
       token = counter; t = token; nonces++; nonce = nonces; k = nonce };
     if
     :: atomic { MINE -> assert(nonce == k);                    /* else it is taken for somebody else's ack */
          assert(at == u); at = 2; lent = 0; token = 0; nonce = 0
#ifdef PERHOST
          ; counter = 0
#endif
        }
     :: atomic { !MINE -> skip }
     fi;
     atomic { t = 0; u = 0; k = 0 }
  od }

active proctype World() {
end:
  do
  :: atomic { at == 2 && !pushed -> pushed = 1; at = 1 }
  :: atomic { lent && late > 0 -> late--; lent = 0; token = 0; nonce = 0 }
  :: atomic { clk < 6 -> clk++ }
  :: atomic { fails > 0 -> rat = at; rcounter = counter; rtoken = token; rnonce = nonce; rlent = lent; rpushed = pushed }
  :: atomic { fails > 0 -> fails--; at = rat; counter = rcounter; token = rtoken; nonce = rnonce; lent = rlent; pushed = rpushed;
#ifdef BEHIND
       clk = (clk > 2 -> clk - 2 : 1)
#else
       clk++
#endif
     }
  od }
init { atomic { run Worker(); run Worker() } }
