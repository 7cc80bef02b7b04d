// Package awswrite changes AWS accounts, and nothing else here does: a call by the name
// of an operation and its parameters goes in, AWS's answer comes out. Each call is made
// once, in a session of the role that its class of change has in the account, whose
// source identity is the ID of the change. What it can call is one table; what plans
// read they ask through another package, which has no operation of this one.
package awswrite

import (
	"context"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rootkeep/rootkeep/internal/awsread/invoke"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/change"
)

// table is made once: it is only read.
var table = sync.OnceValue(func() invoke.Table {
	return invoke.NewTable(slices.Concat(identities(), organization(), accounts(), logging(), buckets(), keys(), watching(), messages(), findings())...)
})

// Operations are the names of all operations that change an account, sorted.
func Operations() []string { return table().Names() }

// Operation describes one. It is a change.Operations.
func Operation(name string) (change.Operation, bool) { return table().Find(name, true) }

// Writer makes the calls of one change. It is a change.Writer.
type Writer struct{ sessions *session.Sessions }

// Begin begins the calls of a change, of which e.Name is the ID. Nothing is asked yet.
// The base's own credentials are never used: e.Own is ignored.
func Begin(b *session.Base, e session.Entry) (*Writer, error) {
	e.Own = false
	s, err := b.Begin(e)
	return &Writer{s}, err
}

// End forgets the sessions of the change.
func (w *Writer) End() { w.sessions.End() }

// Write makes a call, once.
func (w *Writer) Write(ctx context.Context, c change.Call) (map[string]any, error) {
	o, ok := table()[c.Operation]
	if !ok {
		return nil, invoke.Unknown(c, "changes an account")
	}
	config, err := w.sessions.Config(ctx, c.Account, c.Region, c.Root)
	if err != nil {
		return nil, invoke.Unsent(c, err)
	}
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return o.Call(ctx, config, c)
}
