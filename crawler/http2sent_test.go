package crawler

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSentIsCalledWhenARequestOfHTTP2IsOnItsWay(t *testing.T) {
	t.Parallel()
	sent := make(chan struct{}, 10)
	s := newH2Server(t, func(_ http.ResponseWriter, r *http.Request) {
		select { // the answer waits for the call, so the call cannot wait for the answer
		case <-sent:
		case <-r.Context().Done():
		}
	}, nil)
	f := newFetcher(t, Config{Insecure: true})
	var calls atomic.Int32
	ctx := WithSent(t.Context(), func() { calls.Add(1); sent <- struct{}{} })
	for range 2 { // over a new connection, then a used one
		r, err := f.Fetch(ctx, s.URL)
		if err != nil {
			t.Fatal(err)
		}
		r.Release()
	}
	if n := calls.Load(); n != 2 {
		t.Errorf("called %d times for 2 requests", n)
	}
}

func TestSentIsNotCalledForWhatIsNotRead(t *testing.T) {
	for _, url := range []string{"http://example.com/", "https://example.com/"} {
		synctest.Test(t, func(t *testing.T) {
			c, wait := piped(func(net.Conn) { time.Sleep(time.Hour) })
			f := newFetcher(t, c)
			_, err := f.Fetch(WithSent(t.Context(), func() { t.Errorf("%s: called", url) }), url)
			wantKind(t, err, KindTimeout)
			f.Close()
			wait()
		})
	}
}

func TestACallerWhoGoesLeavesTheOthersOfAConnectionAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, wait := newH2(t, new(atomic.Int32), func(c *h2Conn) {
			c.listen()
			c.answer(<-c.streams)
			<-c.streams // never answered
			stream := <-c.streams
			time.Sleep(2 * time.Second)
			c.answer(stream)
			c.wait()
		})
		f := newFetcher(t, c)
		fetch(t, f, "https://example.com/")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		gone := make(chan error)
		go func() {
			_, err := f.Fetch(ctx, "https://example.com/gone")
			gone <- err
		}()
		synctest.Wait()
		fetch(t, f, "https://example.com/stays")
		wantKind(t, <-gone, KindCanceled)
		f.Close()
		wait()
	})
}
