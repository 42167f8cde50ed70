package crawler

import (
	"maps"
	"net/http"
	"strings"
)

// isSecret tells whether a header of this name is for the hosts the user named alone. It rather takes a harmless
// header for a secret than the other way round.
func isSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"auth", "cookie", "token", "key", "secret", "session", "password", "credential"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// withoutSecrets returns the header that any host may see.
func withoutSecrets(h http.Header) http.Header {
	h = maps.Clone(h)
	maps.DeleteFunc(h, func(name string, _ []string) bool { return isSecret(name) })
	return h
}
