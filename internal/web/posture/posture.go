// Package posture is the area of accounts and findings: what was scanned and what it came
// to, down to the fact that a finding rests on. Every list and every number is of the
// accounts that the actor may read, and of no other.
package posture

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
	"github.com/rootkeep/rootkeep/internal/posture/score"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/posture/asked"
)

// Config is what the area is made of.
type Config struct {
	Store      *store.Store
	Controls   []*posture.Control
	Frameworks []*framework.Framework
	Card       *score.Scorecard
	Version    string // of the program
	Now        func() time.Time
	// CheckScan says what is wrong with the settings of a scan.
	CheckScan func(settings []byte) error
	// Kinds of the jobs that scan and that judge what was sent.
	ScanKind, JudgeKind string
	// Ask is the path of the form that asks for an exception, "" if there is none.
	Ask       string
	Requested asked.Requested // nil for none
	// Mend is the path of the form that plans a change, "" if there is none.
	Mend string
	// Approval says in words who has to approve an exception; nil: nobody.
	Approval func(control string, severity rootkeep.Severity) (string, error)
	Wake     func() // called when a job was asked for; nil if no job runs in this process
}

type area struct {
	Config
	controls map[string]*posture.Control
}

// Area gives the routes.
func Area(c Config) (web.Area, error) {
	if c.Store == nil || c.Now == nil || c.Card == nil || c.CheckScan == nil || c.ScanKind == "" || c.JudgeKind == "" {
		return web.Area{}, errors.New("posture: store, clock, scorecard and kinds of jobs are required")
	}
	a := &area{Config: c, controls: map[string]*posture.Control{}}
	for _, control := range c.Controls {
		a.controls[control.ID] = control
	}
	return web.Area{
		Name: "posture",
		Nav: []page.Link{
			{Path: "/posture", Text: "Posture", Need: people.Read}, {Path: "/findings", Text: "Findings", Need: people.Read},
			{Path: "/controls", Text: "Controls", Need: people.Read}, {Path: "/frameworks", Text: "Frameworks", Need: people.Read},
			{Path: "/scans", Text: "Scans", Need: people.Read},
		},
		Routes: []web.Route{
			{Method: "GET", Path: "/posture", Need: people.Read, Handle: a.overview},
			{Method: "GET", Path: "/posture/{account}", Need: people.Read, Handle: a.account},
			{Method: "GET", Path: "/findings", Need: people.Read, Handle: a.findings},
			{Method: "GET", Path: "/findings/download", Need: people.Read, Time: downloadTime, AtOnce: downloadsAtOnce, Handle: a.download},
			{Method: "GET", Path: "/findings/{id}", Need: people.Read, Handle: a.finding},
			{Method: "GET", Path: "/controls", Need: people.Read, Handle: a.listControls},
			{Method: "GET", Path: "/controls/{id}", Need: people.Read, Handle: a.control},
			{Method: "GET", Path: "/frameworks", Need: people.Read, Handle: a.frameworks},
			{Method: "GET", Path: "/frameworks/{id}", Need: people.Read, Handle: a.framework},
			{Method: "GET", Path: "/scans", Need: people.Read, Handle: a.scans},
			{Method: "POST", Path: "/scans", Need: people.Operate, Handle: a.startScan},
			{Method: "GET", Path: "/scans/{id}", Need: people.Read, Handle: a.scan},
		},
		API:    a.register,
		Topics: map[string]web.Sees{"scan": sees},
	}, nil
}

// sees lets an actor learn of a scan that has an account in sight.
func sees(ctx context.Context, r *store.Reader, actor people.Actor, ref string) (bool, error) {
	sight, err := kept.SightOf(ctx, r, actor)
	if err != nil || sight.Everything() {
		return err == nil, err
	}
	_, err = kept.ScanOf(ctx, r, sight, ref)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// look reads one state of the store with the sight of whoever asks.
func (a *area) look(ctx context.Context, read func(context.Context, *store.Reader, kept.Sight) error) error {
	return a.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		sight, err := kept.SightOf(ctx, r, web.ActorOf(ctx))
		if err != nil {
			return err
		}
		return read(ctx, r, sight)
	})
}

// notThere hides whether something does not exist or is not in sight.
func notThere(what string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return web.NotFound(what)
	}
	if errors.Is(err, kept.ErrCursor) {
		return web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
	}
	return err
}

// span is how far back trends go.
const span = 90 * 24 * time.Hour
