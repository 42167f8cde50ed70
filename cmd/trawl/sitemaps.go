package main

import (
	"errors"
	"strings"

	"trawl/frontier"
)

// sitemapSetting is the flag --sitemaps: whether those that a robots.txt names are read, and which others.
type sitemapSetting struct {
	off      bool
	given    bool // auto or off was
	urls     []frontier.URL
	onlyMode bool // a URL is not taken
}

func (s *sitemapSetting) String() string { return strings.Join(s.GetSlice(), ",") }

func (s *sitemapSetting) Type() string {
	if s.onlyMode {
		return "auto|off"
	}
	return "auto|off|URL"
}

func (s *sitemapSetting) usage() string {
	if s.onlyMode {
		return "read the sitemaps that robots.txt names, or none"
	}
	return "read the sitemaps that robots.txt names, or none; with a URL also that one; repeatable"
}

func (s *sitemapSetting) Set(value string) error {
	if value == "auto" || value == "off" {
		s.off, s.given = value == "off", true
		return nil
	}
	if s.onlyMode {
		return errors.New("want auto or off; trawl seed adds a sitemap by its URL")
	}
	u, err := frontier.ParseSeed(value)
	if err != nil {
		return errors.New("want auto, off or the URL of a sitemap")
	}
	s.urls = append(s.urls, u)
	return nil
}

// mode is whether those that a robots.txt names are read: a URL alone leaves that as it was.
func (s *sitemapSetting) mode(was bool) bool {
	if s.given {
		return !s.off
	}
	return was
}

// seeds are the sitemaps that the user named.
func (s *sitemapSetting) seeds() (list []frontier.Entry) {
	for _, u := range s.urls {
		list = append(list, frontier.Entry{URL: u, Seed: true, Sitemap: true})
	}
	return list
}

func (s *sitemapSetting) propose(string) []string { return []string{"auto", "off"} }

// GetSlice makes it a flag of which a file can give several.
func (s *sitemapSetting) GetSlice() []string {
	list := []string{sitemapMode(!s.off)}
	for _, u := range s.urls {
		list = append(list, u.String())
	}
	return list
}

// sitemapMode is how --sitemaps gives a policy.
func sitemapMode(auto bool) string {
	if auto {
		return "auto"
	}
	return "off"
}
