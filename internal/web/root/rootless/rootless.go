// Package rootless is where all members of an organization lose their root credentials: the
// order, one request over all, how far it is, and its proof, as pages and API. The request
// itself, its checklist and its approvals are those of package root above.
package rootless

import (
	"context"
	"errors"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/web"
)

// Chosen is which accounts are ordered. What is empty chooses all, or what is usual.
type Chosen struct {
	Management rootkeep.AccountID // of the organization; "" is the only one that is known
	Accounts   []rootkeep.AccountID
	First      []rootkeep.AccountID
	OldAfter   time.Duration // what was read longer ago is old
}

// Engine does it. Its errors that are no *web.Refusal are those of a server that failed.
type Engine interface {
	// Survey orders the accounts by what scans have read. It asks AWS nothing.
	Survey(ctx context.Context, actor people.Actor, c Chosen) (*client.RootlessPlan, error)
	// Ask has the changes planned and asks for root, by a job, and gives the ID of the
	// request that there will be.
	Ask(ctx context.Context, actor people.Actor, a client.RootlessAsk) (request string, err error)
	// Apply has the changes applied, by a job, from where they are; with release, without
	// the one that they halted at.
	Apply(ctx context.Context, actor people.Actor, request string, a client.RootlessApply) error
	// Prove has all members read again, by a job.
	Prove(ctx context.Context, actor people.Actor, request string) error
	// Report says where the accounts of a request are.
	Report(ctx context.Context, actor people.Actor, request string) (*client.RootlessStatus, error)
}

// Config is what the area is made of.
type Config struct {
	Engine Engine
}

// Area is the pages and the API.
func Area(c Config) (web.Area, error) {
	if c.Engine == nil {
		return web.Area{}, errors.New("rootless: an engine is required")
	}
	a := &area{c}
	return web.Area{
		Name: "rootless", API: a.api, Routes: a.routes(),
		Problems: map[string]string{
			"nothing-to-take": "No root user of a member is known to have credentials.",
			"rootless-busy":   "The server is at work on it already. Its state says how far it is.",
			"rootless-not":    "The request is not one over all members, or has no changes yet.",
		},
	}, nil
}

type area struct{ Config }

// surveyTime is how long the newest snapshots of all accounts may take to be read, and
// atOnce how many do so at a time.
const (
	surveyTime = 2 * time.Minute
	atOnce     = 2
)
