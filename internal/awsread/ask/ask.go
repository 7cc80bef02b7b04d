// Package ask reads what a change needs to know of an account: a call by the name of an
// operation and its parameters goes in, AWS's answer comes out, all pages of it. What it
// can call is one table of operations that change nothing; what changes an account is
// called through another package, which has none of these.
package ask

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/rootkeep/rootkeep/internal/awsread/invoke"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/change"
)

const (
	attempts = 3 // of one call: reading again harms nothing
	pause    = 2 * time.Second
)

// table is made once: it is only read.
var table = sync.OnceValue(func() invoke.Table {
	return invoke.NewTable(slices.Concat(identities(), accounts(), organization(), logging(), buckets(), keys(), watching(), messages(), findings())...)
})

// Operations are the names of all operations that read, sorted.
func Operations() []string { return table().Names() }

// Operation describes one. It is a change.Operations.
func Operation(name string) (change.Operation, bool) { return table().Find(name, false) }

// Reader makes calls that read. It is a change.Reader.
type Reader struct{ sessions *session.Sessions }

// Begin begins to read for what e.Name is the ID of. Nothing is asked yet.
func Begin(b *session.Base, e session.Entry) (*Reader, error) {
	s, err := b.Begin(e)
	return &Reader{s}, err
}

// End forgets the sessions.
func (r *Reader) End() { r.sessions.End() }

// Read makes a call. Lists at the top of the answer are there even if they are empty.
func (r *Reader) Read(ctx context.Context, c change.Call) (map[string]any, error) {
	o, ok := table()[c.Operation]
	if !ok {
		return nil, invoke.Unknown(c, "reads")
	}
	config, err := r.sessions.Config(ctx, c.Account, c.Region, c.Root)
	if err != nil {
		return nil, invoke.Unsent(c, err)
	}
	config.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff, o.RateLimiter = attempts, pause, ratelimit.None
		})
	}
	return o.Gather(ctx, config, c)
}
