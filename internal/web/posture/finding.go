package posture

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/posture/asked"
)

// findingView is one finding with what it rests on.
type findingView struct {
	ID         string
	Finding    *kept.Finding
	Account    *kept.Row
	Control    *posture.Control // nil: it is not among the server's controls any more
	Basis      []facts.Basis
	NoBasis    string // why there is none
	Changes    []kept.Change
	References []framework.Reference
	Asking     *asked.Asking
	Approval   string // who has to approve an exception, in words
	Mend       string // address of the form that plans the change that mends it, "" for none
	Now        time.Time
}

func (a *area) finding(w http.ResponseWriter, r *http.Request) error {
	v, err := a.readFinding(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.Show(w, r, v.Finding.Control+" "+v.Finding.Title, findingPage(v))
}

// readFinding reads a finding with the facts of the scan that judged it last.
func (a *area) readFinding(ctx context.Context, id string) (*findingView, error) {
	v := &findingView{ID: id, Now: a.Now()}
	err := a.look(ctx, func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		var err error
		if v.Finding, err = kept.One(ctx, tx, sight, id); err != nil {
			return err
		}
		if v.Account, err = kept.AccountOf(ctx, tx, sight, v.Finding.Account); err != nil {
			return err
		}
		if v.Changes, err = kept.Changes(ctx, tx, sight, id, ""); err != nil {
			return err
		}
		if v.Asking, err = asked.Read(ctx, tx, web.ActorOf(ctx), a.Ask, a.Requested, v.Finding); err != nil {
			return err
		}
		return a.basis(ctx, tx, v)
	})
	if err != nil {
		return nil, notThere("such finding", err)
	}
	v.Control = a.controls[v.Finding.Control]
	if v.Control != nil {
		v.Mend = v.Asking.Mend(a.Mend, v.Control.Fix.Change, v.Finding)
	}
	v.References = framework.References(a.Frameworks, v.Finding.Control)
	if a.Approval != nil && v.Finding.Status == rootkeep.Fail {
		v.Approval, err = a.Approval(v.Finding.Control, v.Finding.Severity)
	}
	return v, err
}

// basis reads the facts of the scan that judged the finding, if they are kept.
func (a *area) basis(ctx context.Context, tx *store.Reader, v *findingView) error {
	control := a.controls[v.Finding.Control]
	if control == nil {
		v.NoBasis = "The control is not among those of this server any more, so which facts it used is not known."
		return nil
	}
	scan := v.Account.Scan
	if !v.Finding.LastSeen.IsZero() {
		var err error
		if scan, err = kept.ScanAt(ctx, tx, v.Finding.Account, v.Finding.LastSeen); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	s, err := kept.Snapshot(ctx, tx, scan, v.Finding.Account)
	if errors.Is(err, store.ErrNotFound) {
		v.NoBasis = "The facts of that scan are not kept any more."
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range control.Uses() {
		b := s.Basis(p, v.Finding.Resource)
		b.Gaps = b.Gaps[:min(len(b.Gaps), mostGaps)]
		v.Basis = append(v.Basis, b)
	}
	return nil
}

// mostGaps bounds the reasons that one fact shows: it may be denied of each of many
// resources.
const mostGaps = 20

// gapWords says why a fact is not known.
func gapWords(g facts.Gap) string {
	out := g.Reason
	if g.Resource != "" {
		out = g.Resource + ": " + out
	}
	if g.Regions != "" {
		out += " (in " + g.Regions + ")"
	}
	if g.Permission != "" && !strings.Contains(out, g.Permission) {
		out += " [" + g.Permission + "]"
	}
	return out
}

// from says who told a fact, beside the call.
func from(b facts.Basis) string {
	var out []string
	if b.Origin != nil && b.Origin.File != "" {
		out = append(out, b.Origin.File)
	}
	if b.Origin != nil && b.Origin.Account != "" {
		out = append(out, "account "+string(b.Origin.Account))
	}
	return strings.Join(out, ", ")
}

// told is the call that told the fact, or the one that would.
func told(b facts.Basis) string {
	if b.Origin != nil {
		return b.Origin.Call
	}
	return b.Call
}

// valueWords are the values of a fact, one a line.
func valueWords(b facts.Basis) string {
	var out []string
	for _, v := range b.Values {
		line := v.Text
		if v.Of != "" && fmt.Sprintf("%q", v.Of) != v.Text {
			line = v.Of + ": " + line
		}
		out = append(out, line)
	}
	if b.More > 0 {
		out = append(out, fmt.Sprintf("and %d more", b.More))
	}
	if len(out) == 0 && b.Origin != nil {
		out = append(out, "none")
	}
	return strings.Join(out, "\n")
}

// permissions are those of a finding and of the gaps of its facts.
func (v *findingView) permissions() []string {
	out := slices.Clone(v.Finding.Permissions)
	slices.Sort(out)
	return slices.Compact(out)
}

// lastJudged is when the facts were collected by which the finding was last judged.
func lastJudged(v *findingView) time.Time {
	if v.Finding.LastSeen.IsZero() {
		return v.Account.Taken
	}
	return v.Finding.LastSeen
}
