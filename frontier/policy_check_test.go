package frontier

import (
	"strings"
	"testing"
	"time"
)

func TestDefaultPolicyIsValid(t *testing.T) {
	t.Parallel()
	if err := DefaultPolicy().Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidateNamesTheBadFlagInOneLine(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*Policy){
		`--scope "x":`:           func(p *Policy) { p.Scope = "x" },
		`--include "(":`:         func(p *Policy) { p.Include = []string{"("} },
		`--exclude "*":`:         func(p *Policy) { p.Exclude = []string{"*"} },
		"--max-pages -1:":        func(p *Policy) { p.MaxPages = -1 },
		"--max-host-pages -1:":   func(p *Policy) { p.MaxHostPages = -1 },
		"--max-host-queue -1:":   func(p *Policy) { p.MaxHostQueue = -1 },
		"--delay -1s:":           func(p *Policy) { p.Delay = -time.Second },
		"--per-host 0:":          func(p *Policy) { p.PerHost = 0 },
		"--max-crawl-delay -1s:": func(p *Policy) { p.MaxCrawlDelay = -time.Second },
		`--user-agent "a\r\nb":`: func(p *Policy) { p.UserAgent = "a\r\nb" },
		"--timeout 0s:":          func(p *Policy) { p.Timeout = 0 },
		"--max-body 0:":          func(p *Policy) { p.MaxBody = 0 },
		"--retries -1:":          func(p *Policy) { p.Retries = -1 },
	} {
		p := DefaultPolicy()
		spoil(&p)
		err := p.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v; want %s ...", err, want)
		}
	}
}

func TestAnyDepthAndNoLimitsAreValid(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	p.Depth, p.MaxPages, p.MaxHostPages, p.MaxHostQueue, p.Delay, p.MaxCrawlDelay, p.Retries = -5, 0, 0, 0, 0, 0, 0
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
}
