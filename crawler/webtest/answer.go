package webtest

import (
	"io"
	"net/http"
	"strconv"
)

// answer is what a request gets, before any of it is written.
type answer struct {
	status int
	place  place // of a URL that exists
	port   string
	robots bool // it is robots.txt
}

// ServeHTTP answers as a Server does, but at once, without passing errors and without a log. Hosts are told by the
// request's Host, whose port goes into the links.
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) { w.send(rw, w.answer(r)) }

// answer finds out what a request gets. All hosts behave alike; one that does not would part ways here.
func (w *Web) answer(r *http.Request) answer {
	host, port, ok := w.parseHost(r.Host)
	if !ok {
		return answer{status: http.StatusMisdirectedRequest}
	}
	uri := requestURI(r)
	if uri == "/robots.txt" {
		return answer{status: http.StatusOK, place: place{host: host}, robots: true}
	}
	p, ok := w.parsePath(host, uri)
	if !ok {
		return answer{status: http.StatusNotFound}
	}
	return answer{status: p.kind.status(), place: p, port: port}
}

// requestURI returns path and query; those who use the server as a proxy send whole URLs.
func requestURI(r *http.Request) string {
	if len(r.RequestURI) > 0 && r.RequestURI[0] == '/' {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// send writes an answer. Errors of writing mean that the client has gone, and net/http deals with that.
func (w *Web) send(rw http.ResponseWriter, a answer) {
	switch {
	case a.robots:
		w.sendRobots(rw)
	case a.status == http.StatusOK:
		w.sendPage(rw, a)
	case a.status == http.StatusMovedPermanently:
		rw.Header().Set("Location", w.location(a))
		rw.WriteHeader(a.status)
	default:
		http.Error(rw, http.StatusText(a.status), a.status)
	}
}

func (w *Web) sendRobots(rw http.ResponseWriter) {
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rule := "User-agent: *\nDisallow:\n"
	if w.counts[private] > 0 {
		rule = "User-agent: *\nDisallow: /private/\n"
	}
	io.WriteString(rw, rule)
}

// sendPage makes a page in a borrowed buffer, borrowed only now: thousands of requests may be waiting for their
// latency to pass.
func (w *Web) sendPage(rw http.ResponseWriter, a answer) {
	buf, _ := w.bufs.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	*buf = w.appendPage((*buf)[:0], a.place, a.port)
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.Header().Set("Content-Length", strconv.Itoa(len(*buf)))
	rw.Write(*buf)
	w.bufs.Put(buf)
}

// location is absolute for every other redirect.
func (w *Web) location(a answer) string {
	to := w.target(a.place)
	if a.place.n%2 == 0 {
		return string(appendPath(nil, to, "&"))
	}
	return string(w.appendURL(nil, to, a.port))
}
