package crawler

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

func TestSentIsCalledWhenTheRequestIsOnItsWay(t *testing.T) {
	t.Parallel()
	sent := make(chan struct{}, 1)
	s := newServer(t, afterSent(sent))
	sentForEach(t, newFetcher(t, Config{}), s.URL, sent)
}

// afterSent answers once it is told that the request was sent: so the call cannot wait for the answer.
func afterSent(sent <-chan struct{}) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-sent:
		case <-r.Context().Done():
		}
	}
}

// sentForEach wants one call for each of two requests, over a new connection and then over one that was used.
func sentForEach(t *testing.T, f *Fetcher, url string, sent chan<- struct{}) {
	t.Helper()
	var calls atomic.Int32
	ctx := WithSent(t.Context(), func() { calls.Add(1); sent <- struct{}{} })
	for range 2 {
		r, err := f.Fetch(ctx, url)
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
