package crawler

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSentIsCalledWhenARequestOfHTTP2IsOnItsWay(t *testing.T) {
	t.Parallel()
	sent := make(chan struct{}, 10)
	s := newH2Server(t, afterSent(sent), nil)
	sentForEach(t, newFetcher(t, Config{Insecure: true}), s.URL, sent)
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
