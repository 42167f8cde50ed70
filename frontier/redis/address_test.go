package redis

import (
	"slices"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]address{
		"redis://h":                      {nodes: []string{"h:6379"}},
		"redis://":                       {nodes: []string{"localhost:6379"}},
		"redis://u:p%40%2F@h:1/3":        {nodes: []string{"h:1"}, db: 3, user: "u", password: "p@/"},
		"redis://:p@q@h:1":               {nodes: []string{"h:1"}, password: "p@q"},
		"redis://:p@[::1]:7/":            {nodes: []string{"[::1]:7"}, password: "p"},
		"redis://[::1]?db=2":             {nodes: []string{"[::1]:6379"}, db: 2},
		"unix:///tmp/s?db=1":             {nodes: []string{"/tmp/s"}, db: 1},
		"unix://u:p@/tmp/s":              {nodes: []string{"/tmp/s"}, user: "u", password: "p"},
		"redis-sentinel://a,b:1,[::1]/m": {nodes: []string{"a:26379", "b:1", "[::1]:26379"}, master: "m"},
		"redis-sentinel://u:p@a:1/m/4?sentinel_user=x&sentinel_password=y": {
			nodes: []string{"a:1"}, master: "m", db: 4, user: "u", password: "p", sentinelUser: "x", sentinelPassword: "y",
		},
		"redis-cluster://:p@a:1,b:2": {nodes: []string{"a:1", "b:2"}, password: "p"},
	} {
		got, err := parseAddress(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		want.scheme, _, _ = strings.Cut(text, "://")
		if !slices.Equal(got.nodes, want.nodes) || got.tls != nil {
			t.Errorf("%s: nodes %q, TLS %v", text, got.nodes, got.tls != nil)
		}
		want.nodes, got.nodes = nil, nil
		if got.String() != want.String() || got.db != want.db || got.user != want.user || got.password != want.password ||
			got.sentinelUser != want.sentinelUser || got.sentinelPassword != want.sentinelPassword {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestAddressesWithTLS(t *testing.T) {
	t.Parallel()
	for text, skips := range map[string]bool{
		"rediss://h": false, "redis://h?tls=true": false, "rediss://h?skip_verify=true": true,
		"redis-cluster://h?tls=true&skip_verify=true": true, "redis-sentinel://h/m?tls=1": false,
	} {
		if a, err := parseAddress(text); err != nil || a.tls == nil || a.tls.InsecureSkipVerify != skips {
			t.Errorf("%s: %+v, %v", text, a, err)
		}
	}
}

// Each error says what is wrong, and nothing of what it was given.
func TestBadAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                        "must begin with",
		"secret":                                  "must begin with",
		"http://:secret@h":                        "must begin with",
		"redis://:secret@h:x":                     "port",
		"redis://:secret@h:0":                     "port",
		"redis://:secret@h:65536":                 "port",
		"redis://:sec/ret@h:1":                    "%2F",
		"redis://:12/secret@h:1":                  "%2F",
		"redis://:s?secret@h:1":                   "port",
		"redis://:12?secret@h:1=1":                "option",
		"redis://:s#secret@h:1":                   "%23",
		"redis://u:%zzsecret@h:1":                 "%25",
		"redis://u:secret@::1":                    "brackets",
		"redis://u:secret@[secret]:1":             "IPv6",
		"redis://u:secret@h/secret":               "database",
		"redis://u:secret@h/-1":                   "database",
		"redis://u:secret@a,b":                    "several servers",
		"redis://u:secret@h?timeout=1":            `"timeout"`,
		"redis://u:secret@h?db=1&db=2":            `"db"`,
		"redis://u:secret@h?db=secret":            "database",
		"redis://u:secret@h?tls=secret":           "true or false",
		"redis://u:secret@h?ca=x":                 "rediss://",
		"redis://u:secret@h?sentinel_user=secret": "redis-sentinel://",
		"rediss://u:secret@h?tls=false":           "redis://",
		"rediss://u:secret@h?ca=/none":            "/none",
		"rediss://u:secret@h?cert=/none":          "cert and key",
		"unix://u:secret@tmp/s":                   "/path/to/socket",
		"unix://:secret":                          "/path/to/socket",
		"unix:///s?tls=true":                      "TLS",
		"redis-sentinel://u:secret@h:1":           "name of the master",
		"redis-sentinel://u:secret@h:1/":          "name of the master",
		"redis-sentinel://u:secret@,b/m":          "no name",
		"redis-cluster://u:secret@h:1/1":          "database 0",
		"redis-cluster://u:secret@h:1,:2":         "no name",
	} {
		_, err := parseAddress(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") && !strings.Contains(want, "sentinel") ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v; want one with %s", text, err, want)
		}
	}
}

func TestSlots(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]int{"123456789": 0x31C3, "trawl:{foo:0}:m": slot("foo:0"), "{}x": slot("{}x"), "foo": 12182} {
		if got := slot(key); got != want {
			t.Errorf("slot of %q is %d, want %d", key, got, want)
		}
	}
}
