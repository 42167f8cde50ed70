package frontier

import (
	"fmt"
	"slices"
	"strings"
)

// DefaultDropParams are parameters that tell servers where a visitor came from or who he is, and do not select what is
// shown.
var DefaultDropParams = []string{"utm_*", "gclid", "fbclid", "msclkid", "PHPSESSID", ";jsessionid"}

// The differences that Policy.Fold can name.
const (
	FoldWWW    = "www"    // a host name with www. before it
	FoldIndex  = "index"  // index.html and the like at the end of a path
	FoldSlash  = "slash"  // a slash at the end of a path
	FoldScheme = "scheme" // https instead of http
)

// KeyRules decide when two URLs are one page to a crawl. They do not change while the crawl lives: what was seen would
// not be known any more.
type KeyRules struct {
	names, prefixes []string // of query parameters that are dropped
	inPath          []string // of path parameters: ";name="

	folds                     bool
	www, index, slash, scheme bool
}

var defaultKeyRules = keyRules(DefaultDropParams)

// NewKeyRules reads Policy.DropParams and Policy.Fold. A parameter is named without regard to case, with a star at its
// end for all that begin so, and with a semicolon before it when it stands in the path (;name=value). The one empty name
// drops none. The error names the flag and the value that is wrong.
func NewKeyRules(p Policy) (KeyRules, error) {
	drop := p.DropParams
	switch {
	case len(drop) == 0:
		drop = DefaultDropParams
	case len(drop) == 1 && drop[0] == "":
		drop = nil
	}
	for _, name := range drop {
		bare, inPath := strings.CutPrefix(name, ";")
		if !inPath {
			bare = strings.TrimSuffix(bare, "*")
		}
		if bare == "" || strings.ContainsAny(bare, ";*=&#/? ") {
			return KeyRules{}, fmt.Errorf("--drop-params %q: want the name of a parameter, such as sid, utm_* or ;jsessionid", name)
		}
	}
	r := keyRules(drop)
	for _, fold := range p.Fold {
		switch fold {
		case FoldWWW:
			r.www = true
		case FoldIndex:
			r.index = true
		case FoldSlash:
			r.slash = true
		case FoldScheme:
			r.scheme = true
		default:
			return KeyRules{}, fmt.Errorf("--fold %q: unknown; use www, index, slash or scheme", fold)
		}
		r.folds = true
	}
	return r, nil
}

func keyRules(drop []string) (r KeyRules) {
	for _, name := range drop {
		switch {
		case strings.HasPrefix(name, ";"):
			r.inPath = append(r.inPath, name+"=")
		case strings.HasSuffix(name, "*"):
			r.prefixes = append(r.prefixes, strings.TrimSuffix(name, "*"))
		default:
			r.names = append(r.names, name)
		}
	}
	return r
}

// drops tells a parameter of the query that tells no pages apart.
func (r *KeyRules) drops(name string) bool {
	for _, prefix := range r.prefixes {
		if hasPrefixFold(name, prefix) {
			return true
		}
	}
	for _, dropped := range r.names {
		if len(name) == len(dropped) && strings.EqualFold(name, dropped) {
			return true
		}
	}
	return false
}

// Host returns the host of the keys of a host's URLs.
func (r *KeyRules) Host(h Host) Host {
	host := withoutRootDot(string(h))
	if !r.www && !r.scheme {
		return Host(host)
	}
	scheme, authority, _ := strings.Cut(host, "://")
	if r.scheme {
		scheme, authority = "http", strings.TrimSuffix(authority, ":80")
	}
	for r.www {
		rest, found := strings.CutPrefix(authority, "www.")
		if name, _, _ := strings.Cut(rest, ":"); !found || !strings.Contains(name, ".") {
			break
		}
		authority = rest
	}
	return Host(scheme + "://" + authority)
}

// indexes are what servers show for a folder.
var indexes = []string{
	"index.html", "index.htm", "index.shtml", "index.php", "index.asp", "index.aspx", "index.jsp",
	"default.html", "default.htm", "default.asp", "default.aspx",
}

// foldPath applies the folds of a path, which is given without its first slash.
func (r *KeyRules) foldPath(path string) string {
	for {
		before := path
		last := strings.LastIndexByte(path, '/') + 1
		if r.index && slices.Contains(indexes, strings.ToLower(path[last:])) {
			path = path[:last]
		}
		if r.slash {
			path = strings.TrimRight(path, "/")
		}
		if path == before {
			return path
		}
	}
}
