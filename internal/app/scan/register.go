package scan

import (
	"fmt"
	"os"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/posture/score"
	"github.com/rootkeep/rootkeep/internal/register"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
)

// ReadRegister reads a register file. Problems are its mistakes, each with its line.
func ReadRegister(path string, now time.Time) (*register.Register, []error, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read register: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("read register: %w", err)
	}
	r, problems := register.Read(path, f, info.ModTime().UTC().Truncate(time.Second), now)
	return r, problems, nil
}

// people is the register of the scan; an empty one if there is none. One with mistakes
// is refused: half of it would change what passes.
func (c Config) people() (*register.Register, error) {
	switch {
	case c.People != nil:
		return c.People, nil
	case c.Register == "":
		return &register.Register{}, nil
	}
	return UseRegister(c.Register, c.Now)
}

// UseRegister reads a register file. One with mistakes is refused.
func UseRegister(path string, now time.Time) (*register.Register, error) {
	r, problems, err := ReadRegister(path, now)
	switch {
	case err != nil:
		return nil, err
	case len(problems) == 1:
		return nil, problems[0]
	case len(problems) > 1:
		return nil, fmt.Errorf("%w, and %d more mistakes; hint: rootkeep register check FILE", problems[0], len(problems)-1)
	}
	return r, nil
}

// Judged applies what people say to an account and judges it.
func Judged(s *facts.Snapshot, controls []*posture.Control, people *register.Use, with posture.Setting) []rootkeep.Finding {
	people.Apply(s)
	findings := posture.Evaluate(s, controls, with)
	people.Except(findings)
	return findings
}

// LoadScorecard reads the shipped scorecard.
func LoadScorecard() (*score.Scorecard, error) {
	return score.Load(content.Files, "scorecards/guide.yaml")
}

// grade fills in what sums the findings up.
func (c Config) grade(a *assessment.Assessment, people *register.Use) error {
	card, err := LoadScorecard()
	if err != nil {
		return err
	}
	a.Grade(card)
	if c.Register != "" {
		a.Register = &assessment.Register{File: c.Register, Notices: people.Notices()}
	}
	return nil
}
