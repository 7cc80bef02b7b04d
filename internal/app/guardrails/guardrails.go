// Package guardrails loads the policies that keep root users from being used without a
// request, and says of accounts that were scanned which of them hold there.
package guardrails

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam/template"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/guardrail"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Catalogue is the guardrails that were loaded.
type Catalogue struct {
	Guardrails []*guardrail.Guardrail // by ID
	Problems   []error                // files that were left out, each with file and line
}

// Load reads the shipped guardrails and, unless dir is empty, those of DIR/guardrails,
// which may name the templates of DIR/policies, and may not take the ID of another. The
// error is that dir cannot be read.
func Load(dir string) (*Catalogue, error) {
	templates := []template.Source{{FS: content.Files, Dir: "policies"}}
	rails := []rule.Source{{FS: content.Files, Dir: "guardrails"}}
	if dir != "" {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no folder", dir)
		}
		if err != nil {
			return nil, fmt.Errorf("guardrails: %w; hint: name the folder that holds guardrails", err)
		}
		own := os.DirFS(dir)
		if _, err := fs.Stat(own, "policies"); err == nil {
			templates = append(templates, template.Source{FS: own, Dir: "policies", Name: filepath.Join(dir, "policies")})
		}
		rails = append(rails, rule.Source{FS: own, Dir: "guardrails", Name: filepath.Join(dir, "guardrails")})
	}
	c := &Catalogue{}
	read, err := template.Load(templates...)
	if err != nil {
		c.Problems = append(c.Problems, err)
	}
	var problems []error
	c.Guardrails, problems = guardrail.Load(read, rails...)
	c.Problems = append(c.Problems, problems...)
	return c, nil
}

// Find is the guardrail with the ID, nil if there is none.
func (c *Catalogue) Find(id string) *guardrail.Guardrail { return guardrail.Find(c.Guardrails, id) }

// Account is what holds in one account.
type Account struct {
	ID        rootkeep.AccountID
	Holder    access.Holder // "" if the snapshot does not tell
	Caller    bool          // sts:AssumeRoot can be called from it
	Standings []Standing    // one for each guardrail
}

// Standing is whether a guardrail holds in an account: not applicable where it has
// nothing to hold, and unknown where a fact is missing.
type Standing struct {
	Guardrail *guardrail.Guardrail
	Status    rootkeep.Status
	Detail    string
}

// Check judges the accounts of snapshots, files or folders of an organization's scan, at a
// moment. What could not be read is in the list of problems.
func (c *Catalogue) Check(ctx context.Context, paths []string, now time.Time) (accounts []Account, problems []string, err error) {
	controls, broken, err := scan.LoadControls(nil)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range broken {
		problems = append(problems, p.Error())
	}
	controls = slices.DeleteFunc(controls, func(control *posture.Control) bool {
		return !slices.ContainsFunc(c.Guardrails, func(g *guardrail.Guardrail) bool { return g.Control == control.ID })
	})
	for _, path := range paths {
		unread, err := scan.Snapshots(ctx, path, func(s *facts.Snapshot) {
			accounts = append(accounts, c.judge(s, controls, now))
		})
		if err != nil {
			return nil, nil, err
		}
		for _, p := range unread {
			problems = append(problems, p.File+": "+p.Reason)
		}
	}
	slices.SortStableFunc(accounts, func(a, b Account) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return accounts, problems, nil
}

func (c *Catalogue) judge(s *facts.Snapshot, controls []*posture.Control, now time.Time) Account {
	out := Account{ID: s.Account, Holder: holder(s), Caller: caller(s)}
	findings := posture.Evaluate(s, controls, posture.Setting{Now: now})
	for _, g := range c.Guardrails {
		st := Standing{Guardrail: g, Status: rootkeep.Unknown, Detail: "there is no control " + g.Control}
		for _, f := range findings {
			if f.Control == g.Control {
				st.Status, st.Detail = f.Status, f.Detail
				if len(f.Missing) > 0 {
					st.Detail = strings.Join(f.Missing, "; ")
				}
			}
		}
		out.Standings = append(out.Standings, st)
	}
	return out
}

// holder is what the account is to its organization, as far as the snapshot tells.
func holder(s *facts.Snapshot) access.Holder {
	o := &s.Facts.Organization
	unknown := s.Unknown()
	known := func(path string) bool {
		return !slices.ContainsFunc(unknown, func(g facts.Gap) bool { return g.Path == path })
	}
	switch {
	case !known("organization.member"):
		return ""
	case !o.Member:
		return access.Standalone
	case !known("organization.management"):
		return ""
	case o.Management:
		return access.Management
	}
	return access.Member
}

func caller(s *facts.Snapshot) bool {
	o := &s.Facts.Organization
	return o.Management || slices.Contains(o.DelegatedServices, "iam.amazonaws.com")
}
