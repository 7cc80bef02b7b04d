// Package quiz is a short self-assessment: answers from 1 to 5 go in, the score in
// its printed band comes out, and beside it what a single answer alone makes
// critical, because a sum hides one fatal answer among good ones.
package quiz

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Quiz is one content file.
type Quiz struct {
	ID         string      `yaml:"id" json:"id"`
	Kind       string      `yaml:"kind" json:"-"`
	Title      string      `yaml:"title" json:"title"`
	Scale      string      `yaml:"scale" json:"scale"`
	Source     string      `yaml:"source" json:"source"`
	Statements []Statement `yaml:"statements" json:"statements"`
	Bands      []Band      `yaml:"bands" json:"bands"`
}

// Statement is rated from 1, strongly disagree, to 5, strongly agree.
type Statement struct {
	ID       string   `yaml:"id" json:"id"`
	Text     string   `yaml:"text" json:"text"`
	Critical int      `yaml:"critical_from" json:"critical_from"` // an answer from here on is critical whatever the sum
	Because  string   `yaml:"because" json:"because"`
	Controls []string `yaml:"controls" json:"controls,omitempty"` // that check it
}

// Band is a range of sums.
type Band struct {
	From   int    `yaml:"from" json:"from"`
	To     int    `yaml:"to" json:"to"`
	Level  string `yaml:"level" json:"level"`
	Advice string `yaml:"advice" json:"advice"`
}

// Load reads one quiz file. Its bands must cover every sum once.
func Load(fsys fs.FS, name string) (*Quiz, error) {
	_, body, err := rule.Document(rule.Source{FS: fsys}, name)
	if err != nil {
		return nil, err
	}
	var q Quiz
	if err := rule.Decode(name, body, &q); err != nil {
		return nil, err
	}
	if err := q.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &q, nil
}

func (q *Quiz) check() error {
	if q.Kind != "quiz" || len(q.Statements) == 0 {
		return errors.New("want kind: quiz and statements")
	}
	for sum := len(q.Statements); sum <= 5*len(q.Statements); sum++ {
		if n := len(q.bandsOf(sum)); n != 1 {
			return fmt.Errorf("%d bands for a sum of %d, want one", n, sum)
		}
	}
	for _, b := range q.Bands {
		if _, err := rootkeep.ParseSeverity(b.Level); err != nil {
			return err
		}
	}
	for _, s := range q.Statements {
		if s.Critical < 1 || s.Critical > 5 || s.Text == "" || s.Because == "" {
			return fmt.Errorf("statement %q: want text, because, and critical_from from 1 to 5", s.ID)
		}
	}
	return nil
}

func (q *Quiz) bandsOf(sum int) []Band {
	var out []Band
	for _, b := range q.Bands {
		if b.From <= sum && sum <= b.To {
			out = append(out, b)
		}
	}
	return out
}

// Result is what the answers come to.
type Result struct {
	Answers []int `json:"answers"`
	Score   int   `json:"score"`
	Highest int   `json:"highest"` // score there is
	Band    Band  `json:"band"`
	// Critical are the statements whose answer alone is critical.
	Critical []Statement `json:"critical"`
	// Level is the band's, or critical if one answer is.
	Level string `json:"level"`
}

// Score judges the answers, one for each statement in order.
func (q *Quiz) Score(answers []int) (*Result, error) {
	if len(answers) != len(q.Statements) {
		return nil, fmt.Errorf("%d answers, want %d", len(answers), len(q.Statements))
	}
	r := &Result{Answers: answers, Highest: 5 * len(q.Statements), Critical: []Statement{}}
	for i, a := range answers {
		if a < 1 || a > 5 {
			return nil, fmt.Errorf("answer %d is %d, want 1 to 5", i+1, a)
		}
		r.Score += a
		if a >= q.Statements[i].Critical {
			r.Critical = append(r.Critical, q.Statements[i])
		}
	}
	r.Band = q.bandsOf(r.Score)[0]
	if r.Level = r.Band.Level; len(r.Critical) > 0 {
		r.Level = rootkeep.Critical.String()
	}
	return r, nil
}
