// Package policyfile reads policies and templates of policies from files, and has them
// judged: paths go in, findings with file and line come out.
package policyfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/lint/sarif"
	"github.com/rootkeep/rootkeep/iam/lint/source"
)

// LintConfig says what to judge. Paths are files, folders or - for Stdin.
type LintConfig struct {
	Paths []string
	Stdin io.Reader
	Type  lint.Type // of policies whose place does not say it; empty tells it from the policy
	Now   time.Time
}

// Lint is what the linter says of all policies.
type Lint struct {
	Files    int       `json:"files"`
	Policies int       `json:"policies"`
	Skipped  int       `json:"files_of_other_kinds"` // in folders, by their extension
	Findings []Finding `json:"findings"`
	Problems []Problem `json:"problems"`
}

// Finding is a finding with its file. Policy is the place of the policy in the
// file, empty when the file is the policy. Locations hold lines of the file.
type Finding struct {
	File   string    `json:"file"`
	Policy string    `json:"policy,omitempty"`
	Type   lint.Type `json:"type"`
	lint.Finding
}

// Problem is a file that could not be judged, and what was expected. Line 0 is
// the file as a whole.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Reason string `json:"reason"`
}

// String is file:line:column: reason.
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Reason)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Reason)
}

// Count counts the findings of a severity or above.
func (l *Lint) Count(atLeast lint.Severity) int {
	n := 0
	for _, f := range l.Findings {
		if f.Severity >= atLeast {
			n++
		}
	}
	return n
}

// maxPolicyFile bounds what is read of one file: the largest plan or account dump
// that is still judged in seconds.
const maxPolicyFile = 256 << 20

// LintFiles judges every policy of the files and folders. A file that cannot be
// read or holds no policy is a Problem; the others are still judged.
func LintFiles(c LintConfig) *Lint {
	l := &Lint{Findings: []Finding{}, Problems: []Problem{}}
	for _, path := range c.Paths {
		if path == "-" {
			l.read(c, "<stdin>", c.Stdin)
			continue
		}
		l.path(c, path)
	}
	return l
}

func (l *Lint) path(c LintConfig, path string) {
	info, err := os.Stat(path)
	if err != nil {
		l.fail(path, err)
		return
	}
	if !info.IsDir() {
		l.file(c, path)
		return
	}
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			l.fail(p, err)
		case d.IsDir():
		case !policyExtension(p):
			l.Skipped++
		default:
			l.file(c, p)
		}
		return nil
	})
	if err != nil {
		l.fail(path, err)
	}
}

func policyExtension(path string) bool {
	return slices.Contains([]string{".json", ".yaml", ".yml", ".template", ".policy"}, strings.ToLower(filepath.Ext(path)))
}

func (l *Lint) fail(file string, err error) {
	p := Problem{File: file, Reason: err.Error()}
	var at *source.Error
	var path *fs.PathError
	switch {
	case errors.As(err, &at):
		p.Line, p.Column, p.Reason = at.Line, at.Column, at.Want
	case errors.As(err, &path):
		p.Reason = path.Err.Error()
	}
	l.Problems = append(l.Problems, p)
}

func (l *Lint) file(c LintConfig, path string) {
	f, err := os.Open(path)
	if err != nil {
		l.fail(path, err)
		return
	}
	defer f.Close()
	l.read(c, path, f)
}

func (l *Lint) read(c LintConfig, name string, r io.Reader) {
	text, err := io.ReadAll(io.LimitReader(r, maxPolicyFile+1))
	if err == nil && len(text) > maxPolicyFile {
		err = fmt.Errorf("more than %d MiB", maxPolicyFile>>20)
	}
	if err != nil {
		l.fail(name, err)
		return
	}
	found, err := source.Find(text)
	if err != nil {
		l.fail(name, err)
		return
	}
	l.Files++
	for i := range found {
		l.judge(c, name, &found[i])
	}
}

func (l *Lint) judge(c LintConfig, name string, p *source.Policy) {
	l.Policies++
	o := lint.Options{Type: p.Type, Service: p.Service, Managed: p.Managed, Now: c.Now}
	if c.Type != lint.Unknown && (p.Type == lint.Unknown || p.Type == lint.Identity && c.Type == lint.Boundary) {
		o.Type = c.Type
	}
	findings, judgedAs := lint.Document(p.Document, o)
	for _, f := range findings {
		for i := range f.Locations {
			f.Locations[i].Line, f.Locations[i].Column = p.Locate(f.Locations[i])
		}
		l.Findings = append(l.Findings, Finding{name, p.Path, judgedAs, f})
	}
}

// WriteSARIF writes the findings for code scanning; version is rootkeep's.
func (l *Lint) WriteSARIF(w io.Writer, version string) error {
	run := sarif.Run{Version: version}
	for _, f := range l.Findings {
		r := sarif.Result{File: f.File, Policy: f.Policy, Finding: f.Finding}
		for _, at := range f.Locations {
			r.Places = append(r.Places, sarif.Place{Line: at.Line, Column: at.Column, Path: at.Path})
		}
		run.Results = append(run.Results, r)
	}
	for _, p := range l.Problems {
		run.Notices = append(run.Notices, sarif.Notice{File: p.File, Place: sarif.Place{Line: p.Line, Column: p.Column}, Message: p.Reason})
	}
	return sarif.Write(w, run)
}
