package crawler

import (
	"net/http"
	"net/netip"
	"time"
)

// Response is what a server said. Redirects are responses like any other: Header holds the Location.
type Response struct {
	URL        string // as asked for
	Status     int
	Header     http.Header
	Proto      string
	RemoteAddr netip.AddrPort // of the server, or of the proxy
	Started    time.Time      // when Fetch began
	Duration   time.Duration  // until the last byte of the body
	Decoding   time.Duration  // of it, that decoding the body took

	// Body is the decoded body, at most Config.MaxBody of it; Raw is the body as it was sent, without chunking. They
	// are the same bytes when there was no Content-Encoding. Neither may be used after Release.
	Body []byte
	Raw  []byte
	// Truncated: there was more than Body holds.
	Truncated bool

	asked   bool // a connection was had
	release func()
}

// Release gives the memory of the body back. It must be called once the body is no longer needed, or the budget of
// large bodies runs dry; calling it again does nothing.
func (r *Response) Release() {
	if r.release == nil {
		return
	}
	r.release()
	r.Body, r.Raw, r.release = nil, nil, nil
}
