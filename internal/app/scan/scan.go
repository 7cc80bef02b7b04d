// Package scan collects the facts of an account, or of every account of an organization,
// and judges them: files, a snapshot or AWS go in with controls, a register and an earlier
// scan, an assessment comes out. It says what could not be read, and sends findings on to
// Security Hub when it is told to.
package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/intake"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
	"github.com/rootkeep/rootkeep/internal/register"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Config is an assessment as the user asked for it.
type Config struct {
	Paths    []string   // files of facts, - for standard input
	Snapshot string     // a snapshot file instead, or the folder of an organization's scan
	AWS      *AWSConfig // AWS itself instead
	// Organization, if set, has all accounts of the organization read, not one.
	Organization *OrganizationConfig
	Save         string // write the snapshot there; of an organization, a folder
	Stdin        io.Reader
	Controls     []string // folders of the user's own
	Register     string   // file of what people decide, vouch for and accept
	Since        string   // an earlier report or snapshot, or a folder of snapshots
	Earlier      []string // folders of earlier scans of an organization, whose own root sessions are no stranger's
	// Frameworks are those whose clauses are reported, by ID; Only judges by their
	// controls alone; FrameworkDirs are folders of the user's own.
	Frameworks    []string
	FrameworkDirs []string
	Only          bool
	Version       string
	Now           time.Time
	// People is a register that was read already, instead of Register; Keys are those of
	// the root sessions of earlier scans, by account, beside those of Earlier.
	People *register.Register
	Keys   map[rootkeep.AccountID][]string
	// Took hears of each account as soon as it is judged. An error ends the scan.
	Took func(*facts.Snapshot, []rootkeep.Finding) error
}

// AWSConfig is how AWS is read: with the credentials of whom, and from where.
type AWSConfig = awsread.Config

// Run collects facts and judges them by the controls. A file that cannot be read, or
// a call to AWS, is a Problem; the others are still used.
func Run(ctx context.Context, c Config) (*assessment.Assessment, error) {
	if err := c.ready(); err != nil {
		return nil, err
	}
	catalogue, chosen, err := c.catalogue()
	if err != nil {
		return nil, err
	}
	controls := catalogue.Controls
	a := assessment.New(c.Version, c.Now.UTC(), controls)
	for _, p := range catalogue.Problems {
		a.Problems = append(a.Problems, assessment.Problem{File: "content", Reason: p.Error()})
	}
	people, err := c.people()
	if err != nil {
		return nil, err
	}
	own, err := c.ownKeys()
	if err != nil {
		return nil, err
	}
	use := people.Use(c.Now)
	err = c.accounts(ctx, a, func(s *facts.Snapshot, lost []assessment.Problem, peer peers) error {
		if c.Save != "" && c.Organization == nil {
			if err := saveSnapshot(c.Save, s); err != nil {
				return err
			}
		}
		a.Problems = append(a.Problems, lost...)
		findings := Judged(s, controls, use, posture.Setting{Now: c.Now, Peer: peer, Keys: own[s.Account]})
		a.Add(s, findings)
		if c.Took != nil {
			return c.Took(s, findings)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.Finish()
	if err := c.grade(a, use); err != nil {
		return nil, err
	}
	a.Cover(chosen, catalogue.IDs())
	return a, c.compare(a, controls, people, own)
}

// ready finds mistakes before AWS is read, which may take long.
func (c *Config) ready() error {
	if c.Save != "" && c.Organization == nil {
		if _, err := os.Lstat(c.Save); err == nil {
			return fmt.Errorf("save snapshot: %s is there already; hint: name a new file", c.Save)
		}
	}
	if c.Since != "" {
		if _, err := os.Stat(c.Since); err != nil {
			return fmt.Errorf("read the earlier scan: %w", err)
		}
	}
	return nil
}

// catalogue is what the user asked to judge by. Reading frameworks takes longer than
// judging, so they are read when they are asked for or a control names them.
func (c *Config) catalogue() (*Catalogue, []*framework.Framework, error) {
	controls, problems, err := controlsOf(rule.Source{FS: content.Files, Dir: "controls", Tested: true}, c.Controls)
	if err != nil {
		return nil, nil, err
	}
	out := &Catalogue{Controls: controls, Problems: problems}
	mapped := slices.ContainsFunc(controls, func(control *posture.Control) bool { return len(control.Maps) > 0 })
	if len(c.Frameworks)+len(c.FrameworkDirs) == 0 && !mapped {
		return out, nil, nil
	}
	if err := out.loadFrameworks(c.FrameworkDirs); err != nil {
		return nil, nil, err
	}
	chosen, err := out.Select(c.Frameworks)
	if err == nil && c.Only {
		out.Keep(chosen)
	}
	return out, chosen, err
}

// LoadControls reads the shipped controls and the user's folders. A file that is no
// control is a problem; the others are used.
func LoadControls(dirs []string) ([]*posture.Control, []error, error) {
	return controlsOf(rule.Source{FS: content.Files, Dir: "controls"}, dirs)
}

func controlsOf(shipped rule.Source, dirs []string) ([]*posture.Control, []error, error) {
	own, err := folders("controls", dirs)
	if err != nil {
		return nil, nil, err
	}
	bases, err := rule.LoadBases(content.Files, "events")
	if err != nil {
		return nil, nil, err
	}
	controls, problems := posture.Load(bases, append([]rule.Source{shipped}, own...)...)
	for _, c := range controls { // what nobody can plan is not proposed
		if _, err := fs.Stat(content.Files, "changes/"+c.Fix.Change+".yaml"); err != nil {
			c.Fix.Change = ""
		}
	}
	return controls, problems, nil
}

// peers finds the snapshot of another account of the same scan; see posture.Setting.
type peers func(rootkeep.AccountID) *facts.Snapshot

// judge takes the facts of one account, and what could not be read of it.
type judge func(*facts.Snapshot, []assessment.Problem, peers) error

// accounts calls judge for each account in turn. Accounts without facts are noted in
// the assessment.
func (c Config) accounts(ctx context.Context, a *assessment.Assessment, judge judge) error {
	switch {
	case c.Organization != nil:
		return c.organization(ctx, a, judge)
	case c.AWS != nil:
		s, err := awsread.Collect(ctx, *c.AWS)
		if err != nil {
			return err
		}
		return judge(s, unread(s, "AWS"), nil)
	case isFolder(c.Snapshot):
		return c.folder(ctx, a, judge)
	case c.Snapshot != "":
		s, err := ReadSnapshot(c.Snapshot)
		if err != nil {
			return err
		}
		return judge(s, nil, nil)
	}
	in := intake.New(c.Now.UTC())
	var problems []assessment.Problem
	for _, path := range c.Paths {
		if err := c.add(in, path); err != nil {
			problems = append(problems, assessment.Problem{File: path, Reason: reason(err)})
		}
	}
	return judge(in.Snapshot(), problems, nil)
}

// ReadSnapshot reads a file that a scan saved. The error names it.
func ReadSnapshot(path string) (*facts.Snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	defer f.Close()
	s, err := facts.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// unread are the calls that AWS denied or that failed, each once.
func unread(s *facts.Snapshot, where string) []assessment.Problem {
	var out []assessment.Problem
	for _, g := range s.Gaps {
		p := assessment.Problem{File: where, Reason: g.Reason}
		if g.Permission != "" && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// reason leaves the path out of a file's error: the problem names it already.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// add reads one file. AWS's answers do not say when they were made, so the file's
// own time is taken; standard input is of now.
func (c Config) add(in *intake.Intake, path string) error {
	if path == "-" {
		return in.Add(c.Stdin, "<stdin>", c.Now.UTC())
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return in.Add(f, path, info.ModTime().UTC().Truncate(time.Second))
}

// saveSnapshot leaves nothing half-written and replaces nothing: a file of another name
// is written, and linked to the name when it is whole.
func saveSnapshot(path string, s *facts.Snapshot) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".snapshot-*")
	if err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	defer os.Remove(f.Name())
	if err := errors.Join(s.Write(f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	if err := os.Link(f.Name(), path); err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	return nil
}
