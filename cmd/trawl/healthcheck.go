package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// newHealthcheck is the client of /healthz, for images that have no other.
func newHealthcheck() *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a trawl that runs with --listen whether it is well; for containers",
		Long: `Ask a trawl that runs with --listen whether it is well, that is, whether its frontier
answers. The exit code is 0 or 1, as Docker's HEALTHCHECK wants it.`,
		Args:    noArgs,
		PreRunE: readSettings,
		RunE:    func(c *cobra.Command, _ []string) error { return checkHealth(c.Context(), addr) },
	}
	cmd.Flags().StringVar(&addr, "listen", ":6060", "`address` that it listens on")
	completeValues(cmd)
	return cmd
}

// checkHealth asks as locally as listen serves: an address without a host is loopback, and no proxy is asked.
func checkHealth(ctx context.Context, addr string) error {
	at, err := listenAddress(addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second) // Docker waits for 5 s: see the Dockerfile
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at+"/healthz", nil)
	if err != nil {
		return usagef("--listen %q: %w", addr, err)
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(ask)
	if err != nil {
		return fmt.Errorf("no trawl listens on %s: %w", addr, withoutCall(err))
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	why, _ := io.ReadAll(io.LimitReader(answer.Body, 1000)) // what came before an error is still worth showing
	return fmt.Errorf("not well: %s", why)
}
