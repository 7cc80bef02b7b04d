package account

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/posture/quiz"
)

type assessFlags struct {
	answers []int
	output  string
	failOn  cli.Level
}

// AssessCommand is rootkeep assess.
func AssessCommand(s cli.Streams) *cobra.Command {
	var f assessFlags
	c := &cobra.Command{
		Use:   "assess",
		Short: "Answer five questions about root",
		Long: `Assess asks five questions about how an organization treats its root user, each to be
rated from 1 (strongly disagree) to 5 (strongly agree), and gives the score in its
band. One fatal answer hides in a sum of good ones, so answers that alone are critical
are shown beside it. rootkeep scan checks by facts what these questions ask.

Exit code 2 with --fail-on when the result is at or above that level.`,
		Example: `  rootkeep assess
  rootkeep assess --answers 1,5,1,2,1
  rootkeep assess --answers 1,1,1,1,1 --output json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return f.run(s) },
	}
	fl := c.Flags()
	fl.IntSliceVar(&f.answers, "answers", nil, "ratings in order, instead of being asked")
	fl.StringVar(&f.output, "output", "text", "text or json")
	fl.Var(&f.failOn, "fail-on", "exit 2 when the result is at or above this level")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	cli.CompleteValues(c, "fail-on", cli.Levels())
	return c
}

func (f *assessFlags) run(s cli.Streams) error {
	if f.output != "text" && f.output != "json" {
		return cli.Usage("--output %s: want text or json", f.output)
	}
	q, err := quiz.Load(content.Files, "quiz/root-risk.yaml")
	if err != nil {
		return err
	}
	answers := f.answers
	if answers == nil {
		if answers, err = ask(s, q); err != nil {
			return err
		}
	}
	r, err := q.Score(answers)
	if err != nil {
		return cli.Usage("%w", err)
	}
	if err := f.print(s, r); err != nil {
		return err
	}
	if reached, err := rootkeep.ParseSeverity(r.Level); err == nil && f.failOn.Given && reached >= f.failOn.Severity {
		return &cli.Error{Code: cli.ExitFindings}
	}
	return nil
}

// ask puts the questions on standard error, so that the result alone is on standard
// output.
func ask(s cli.Streams, q *quiz.Quiz) ([]int, error) {
	in := bufio.NewScanner(s.In)
	fmt.Fprintf(s.Err, "%s\nRate each statement: %s.\n", q.Title, q.Scale)
	var out []int
	for i, statement := range q.Statements {
		for {
			fmt.Fprintf(s.Err, "%d. %s [1-5] ", i+1, statement.Text)
			if !in.Scan() {
				fmt.Fprintln(s.Err)
				return nil, cli.Usage("%d of %d statements were rated; hint: --answers 1,2,3,4,5", i, len(q.Statements))
			}
			n, err := strconv.Atoi(strings.TrimSpace(in.Text()))
			if err == nil && n >= 1 && n <= 5 {
				out = append(out, n)
				break
			}
			fmt.Fprintln(s.Err, "Please type a number from 1 to 5.")
		}
	}
	return out, nil
}

func (f *assessFlags) print(s cli.Streams, r *quiz.Result) error {
	if f.output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			*quiz.Result
		}{"rootkeep/assess/1", r})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d points: %s risk. %s\n", r.Score, r.Highest, r.Band.Level, r.Band.Advice)
	for _, c := range r.Critical {
		fmt.Fprintf(&b, "CRITICAL whatever the sum: %s\n  %s\n", c.Text, c.Because)
		if len(c.Controls) > 0 {
			fmt.Fprintf(&b, "  checked by: rootkeep scan, control %s\n", strings.Join(c.Controls, ", "))
		}
	}
	_, err := fmt.Fprint(s.Out, b.String())
	return err
}
