package crawler

import (
	"errors"
	"net/http"
	"sync"
	"testing"
)

func TestAFreshRequestOpensAConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	clients := map[string]bool{}
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		clients[r.RemoteAddr] = true
	})
	f := newFetcher(t, Config{})
	for range 3 {
		fetch(t, f, s.URL).Release() // leaves a connection to use again
		r, err := f.Fetch(WithFresh(t.Context()), s.URL)
		if err != nil {
			t.Fatal(err)
		}
		r.Release()
	}
	if len(clients) != 1+3 {
		t.Errorf("%d connections, want one that is used again and 3 fresh ones", len(clients))
	}
}

func TestTheStatusIsKnownWhenTheBodyFails(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Encoding", "gzip")
		rw.WriteHeader(http.StatusTeapot)
		rw.Write([]byte("no gzip"))
	})
	_, err := newFetcher(t, Config{}).Fetch(t.Context(), s.URL)
	wantKind(t, err, KindDecode)
	if e := (*Error)(nil); !errors.As(err, &e) || e.Status != http.StatusTeapot {
		t.Errorf("error %#v", err)
	}
}
