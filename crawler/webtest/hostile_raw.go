package webtest

import (
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const closed Class = "closed"

// Classes that break HTTP or TCP, on connections of their own.
var rawTraits = []trait{
	{class: "slow-headers", does: "a byte of a header each second", front: dead, page: slow(okLine + "X-Long: ")},
	{class: "slow-body", does: "a byte of the body each second", front: settled, page: slow(okLine + htmlLine + "\r\n<p>")},
	{class: "large-headers", does: "1 MiB of headers", front: dead, page: say(okLine + strings.Repeat(kilobyte, 1024) + htmlLine + "\r\n")},
	{class: "endless-headers", does: "headers without end", front: dead, page: sayOn(okLine, kilobyte)},
	{class: "endless-interim", does: "responses 103 without end", front: dead, page: sayOn("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")},
	{class: "short-body", does: "less body than Content-Length says", front: settled, page: say(okLine + htmlLine + "Content-Length: 1000\r\n\r\n<a href=/in-short>x</a>")},
	{class: "reset-early", does: "a reset before any answer", front: dead, page: reset("")},
	{class: "reset-late", does: "a reset after the headers", front: settled, page: reset(okLine + htmlLine + "Content-Length: 1000\r\n\r\n<p>")},
	{class: "silent", does: "no answer", front: dead, page: silent},
	{class: "stalls", does: "a front page, and other pages that begin and do not end", front: done, page: stalls},
	{class: closed, does: "no connection: nobody listens", front: dead, page: silent},
	{class: "not-http", does: "another protocol", front: dead, page: say("220 mail.example ESMTP\r\n")},
}

const (
	okLine   = "HTTP/1.1 200 OK\r\n"
	htmlLine = "Content-Type: text/html\r\n"
)

var kilobyte = "X-Long: " + strings.Repeat("x", 1014) + "\r\n"

// raw takes the connection from net/http. It is closed at the end, or when the server is.
func (v *visit) raw(do func(net.Conn)) {
	s := v.server
	s.conns.Add(1) // in place of that which net/http gives up
	defer s.conns.Done()
	c, _, err := http.NewResponseController(v.ResponseWriter).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	c.SetDeadline(time.Time{})
	if s.raws.add(c) {
		defer s.raws.remove(c)
		do(c)
	}
}

func say(text string) func(*visit) {
	return func(v *visit) {
		v.raw(func(c net.Conn) { io.WriteString(c, text) })
	}
}

// sayOn says something, and then something else as long as somebody reads.
func sayOn(first, then string) func(*visit) {
	return func(v *visit) {
		v.raw(func(c net.Conn) {
			_, err := io.WriteString(c, first)
			for block := strings.Repeat(then, 1+16<<10/len(then)); err == nil; {
				_, err = io.WriteString(c, block)
			}
		})
	}
}

// slow says something, and then a byte a second.
func slow(first string) func(*visit) {
	return func(v *visit) {
		v.raw(func(c net.Conn) {
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			_, err := io.WriteString(c, first)
			for err == nil {
				select {
				case <-tick.C:
				case <-v.server.raws.closing:
					return
				}
				_, err = io.WriteString(c, "x")
			}
		})
	}
}

// reset says something, and then resets the connection: what is not yet read is lost.
func reset(first string) func(*visit) {
	return func(v *visit) {
		v.raw(func(c net.Conn) {
			io.WriteString(c, first)
			if tcp, ok := c.(*net.TCPConn); ok {
				tcp.SetLinger(0)
			}
		})
	}
}

// stalls begins well.
func stalls(v *visit) {
	if v.path == "/" {
		v.html("front", "All is well.", "/0", "/1")
		return
	}
	v.raw(func(c net.Conn) {
		io.WriteString(c, okLine+htmlLine+"\r\n<p>")
		io.Copy(io.Discard, c)
	})
}

func silent(v *visit) {
	v.raw(func(c net.Conn) { io.Copy(io.Discard, c) })
}
