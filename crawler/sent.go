package crawler

import "context"

type sentKey struct{}

// WithSent makes a Fetch with the returned context call sent when its request has been written to the connection; it
// does not call it for a request that never was. sent must be quick, and may be called after Fetch has returned.
func WithSent(ctx context.Context, sent func()) context.Context {
	return context.WithValue(ctx, sentKey{}, sent)
}

func sentOf(ctx context.Context) func() {
	sent, _ := ctx.Value(sentKey{}).(func())
	return sent
}

type freshKey struct{}

// WithFresh makes a Fetch with the returned context open a connection of its own. A retry that found another stale
// connection would be one for nothing.
func WithFresh(ctx context.Context) context.Context { return context.WithValue(ctx, freshKey{}, true) }

func wantsFresh(ctx context.Context) bool { return ctx.Value(freshKey{}) != nil }

type maxBodyKey struct{}

// WithMaxBody makes a Fetch with the returned context keep n bytes of the body instead of Config.MaxBody. It takes its
// share of Config.LargeBodies like any other.
func WithMaxBody(ctx context.Context, n int64) context.Context {
	return context.WithValue(ctx, maxBodyKey{}, n)
}

func maxBodyOf(ctx context.Context, otherwise int64) int64 {
	if n, ok := ctx.Value(maxBodyKey{}).(int64); ok && n > 0 {
		return n
	}
	return otherwise
}
