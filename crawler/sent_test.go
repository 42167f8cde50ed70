package crawler

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

func TestSentIsCalledWhenTheRequestIsOnItsWay(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	sent := make(chan struct{}, 1)
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		select { // the answer waits for the call, so the call cannot wait for the answer
		case <-sent:
		case <-r.Context().Done():
		}
	})
	f := newFetcher(t, Config{})
	ctx := WithSent(t.Context(), func() { calls.Add(1); sent <- struct{}{} })
	for range 2 { // over a new connection, then a reused one
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

func TestSentIsNotCalledForWhatWasNeverSent(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	ctx := WithSent(t.Context(), func() { t.Error("called") })
	f := newFetcher(t, Config{})
	for url, want := range map[string]Kind{s.URL: KindConnect, "http://10.0.0.1/": KindAddress, "ftp://a/": KindURL} {
		_, err := f.Fetch(ctx, url)
		wantKind(t, err, want)
	}
}
