# Everything that is run by hand or by CI. `make` lists it.

GO      ?= go
BIN     ?= bin/trawl
FUZZ    ?= 30s
BENCH   ?= .
FLEET   ?= Fleet|Killed|MayLose|WithoutMemory|Frozen
# Built from source by the module proxy, at a fixed version: about two minutes the first time, then cached. It is not
# a `tool` of go.mod, where its two hundred modules would hide ours.
LINT    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# For a docker that has not the plugin. Built likewise: about five minutes the first time.
COMPOSE := github.com/docker/compose/v2@v2.40.3
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -s -w -X main.release=$(VERSION)

.DEFAULT_GOAL := help
.PHONY: help build install test conformance lint vet fuzz crash hostile fleet containers bench size model check deps spin clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/trawl, one static file
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/trawl

install: ## install trawl where go install puts programs
	CGO_ENABLED=0 $(GO) install -trimpath -ldflags '$(LDFLAGS)' ./cmd/trawl

test: deps ## run all tests, in random order, with the race detector
	$(GO) test -race -shuffle=on -timeout 20m ./...

conformance: ## run the third-party cases in the folder that TRAWL_CONFORMANCE names; V=1 shows each difference
	@test -d "$$TRAWL_CONFORMANCE" || { echo 'make conformance: set TRAWL_CONFORMANCE to the folder of cases' >&2; exit 1; }
	@log=$$(mktemp); $(GO) test -count=1 -v -run Conformance ./frontier ./parser >"$$log" 2>&1; status=$$?; \
	if [ -n "$(V)" ] || [ $$status != 0 ]; then cat "$$log"; fi; \
	awk -F ' *[|] *' 'BEGIN { printf "%-32s %-14s %10s %10s  %s\n", "suite", "cases", "result", "goal", "" } \
		/row[|]/ { if ($$3 == "") print "  " $$2; else printf "%-32s %-14s %10s %10s  %s\n", $$2, $$3, $$4, $$5, $$6 }' "$$log"; \
	rm -f "$$log"; exit $$status

lint: vet ## check format, vet, the arrows between packages, and the other rules of .golangci.yml
	$(GO) run $(LINT) run

vet: ## the quick part of lint: gofmt and go vet
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { printf 'not gofmt-ed:\n%s\n' "$$unformatted" >&2; exit 1; }
	$(GO) vet ./...

fuzz: ## run each fuzz target for FUZZ (30s)
	@$(GO) test -list '^Fuzz' ./... \
	| awk '/^Fuzz/ { name[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, name[i]; n = 0 }' \
	| while read -r package target; do \
		echo "== $$package $$target"; \
		$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ) "$$package" </dev/null || exit 1; \
	done

crash: ## kill a crawl of 20,000 pages 50 times
	$(GO) test -count=1 -v -run Kill9 ./cmd/trawl -args -crash.pages 20000 -crash.kills 50 -crash.after 220ms

hostile: ## crawl a web with hostile hosts in full size, and compare the pace of honest ones with and without them
	$(GO) test -count=1 -v -run ACrawlOfAHostileWebEnds ./cmd/trawl -args -patience 5m -hostile.many 200000 -hostile.pages 200
	$(GO) test -count=1 -run '^$$' -bench HonestHosts -benchtime 1x -timeout 20m ./cmd/trawl

# One after the other, without the race detector, for their figures: what a host sees of a fleet depends on the clock.
fleet: deps ## run the fleet's tests in full size, with 1,000 killed workers: a quarter of an hour
	$(GO) test -count=1 -v -parallel 1 -timeout 2h -run '$(FLEET)' ./cmd/trawl -args -patience 5m \
		-fleet.pages 200 -fleet.kills 1000 -fleet.maxpages 5000 -fleet.failovers 3 -fleet.outage 20s -fleet.atonce 2000 -fleet.latency 4s

containers: ## run the shipped containers: a fleet with a kill, a lost network and a restart of Redis
	@compose='docker compose'; \
	if docker version >/dev/null 2>&1 && ! $$compose version >/dev/null 2>&1; then \
		compose=$(CURDIR)/bin/docker-compose; \
		if ! test -x $$compose; then \
			echo 'docker has no Compose plugin here (Debian: docker-compose, Ubuntu: docker-compose-v2); building $(COMPOSE)'; \
			$(GO) build -C "$$($(GO) mod download -json $(COMPOSE) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')" -o $$compose ./cmd || exit 1; \
		fi; \
	fi; \
	COMPOSE="$$compose" CGO_ENABLED=0 $(GO) test -tags containers -count=1 -v -timeout 40m ./docs/containers

bench: ## run the benchmarks that match BENCH (.); TRAWL_BENCH_URLS=10000000 loads so many into Redis
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 60m ./...

size: ## print the sizes we keep an eye on
	@$(GO) run docs/size.go

model: spin ## check the models of docs/model
	@docs/model/run.sh

check: build lint test ## everything a commit must pass

# All that the tests need beside Go: a C compiler, for the race detector, and redis-server, of which they start their own.
deps:
	@need=; \
	command -v "$$($(GO) env CC)" >/dev/null || need="gcc libc6-dev"; \
	command -v redis-server >/dev/null || need="$$need redis-server"; \
	if [ -z "$$need" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$need; \
	else \
		echo "make test: missing on this machine (Debian's names): $$need" >&2; exit 1; \
	fi

# All that the models need.
spin:
	@need=; \
	for program in spin gcc; do command -v $$program >/dev/null || need="$$need $$program"; done; \
	if [ -z "$$need" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$need libc6-dev; \
	else \
		echo "make model: missing on this machine (Debian's names):$$need" >&2; exit 1; \
	fi

clean: ## remove what make and the demo made
	rm -rf bin trawl-demo
