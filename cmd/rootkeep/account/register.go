package account

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/register"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// RegisterCommand is rootkeep register.
func RegisterCommand(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "register",
		Short: "What people decide, vouch for and accept",
		Long: `A register holds what AWS does not tell: decisions of the organization, attestations
by a person who looked, and failures that an owner accepts until a day. rootkeep scan
reads it with --register. docs/register.md explains its keys.`,
		Example: `  rootkeep register new > register.yaml
  rootkeep register check register.yaml
  rootkeep scan --aws --register register.yaml`,
	}
	c.AddCommand(registerNew(s), registerCheck(s))
	return c
}

func registerNew(s cli.Streams) *cobra.Command {
	return &cobra.Command{
		Use:     "new",
		Short:   "Print a register to begin from",
		Long:    "New prints a register in which every entry is an example behind a comment: nothing is\ndecided or vouched for until you do it.",
		Example: "  rootkeep register new > register.yaml",
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(s.Out, register.Example)
			return err
		},
	}
}

type registerFlags struct {
	output   string
	controls []string
	at       cli.Moment
}

func registerCheck(s cli.Streams) *cobra.Command {
	f := registerFlags{at: cli.Moment{Now: time.Now}}
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Look for mistakes in a register",
		Long: `Check names every mistake of a register with its line: a misspelt fact, a value of the
wrong type, an end that is missing or more than 366 days away, an exception of a control
that does not exist. It lists the entries, the next to expire first.

Exit code 5 when the register has a mistake: rootkeep scan refuses it.`,
		Example: `  rootkeep register check register.yaml
  rootkeep register check --controls our-controls register.yaml --output json`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return f.check(s, args[0]) },
	}
	fl := c.Flags()
	fl.StringVar(&f.output, "output", "text", "text or json")
	fl.StringArrayVar(&f.controls, "controls", nil, "folder with further controls (repeatable)")
	fl.Var(&f.at, "at", "check as of this time instead of now: a day, a time, or a span back (7d)")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	return c
}

// checked is the JSON form of what check found.
type checked struct {
	Schema       string           `json:"schema"`
	File         string           `json:"file"`
	Mistakes     []string         `json:"mistakes"`
	Decisions    int              `json:"decisions"`
	Attestations int              `json:"attestations"`
	Exceptions   int              `json:"exceptions"`
	Entries      []register.Entry `json:"entries"`
	ExitCodes    []int            `json:"exit_codes"`
}

func (f *registerFlags) check(s cli.Streams, path string) error {
	if f.output != "text" && f.output != "json" {
		return cli.Usage("--output %s: want text or json", f.output)
	}
	now := f.at.Or(time.Now())
	r, mistakes, err := scan.ReadRegister(path, now)
	if err != nil {
		return &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	out := checked{Schema: "rootkeep/register-check/1", File: path, Mistakes: []string{}, Entries: []register.Entry{}, ExitCodes: []int{}}
	if r != nil {
		controls, broken, err := scan.LoadControls(f.controls)
		if err = errors.Join(append(broken, err)...); err != nil {
			return &cli.Error{Code: cli.ExitUnread, Err: err}
		}
		ids := make([]string, len(controls))
		for i, c := range controls {
			ids[i] = c.ID
		}
		mistakes = append(mistakes, r.Strangers(ids)...)
		out.Decisions, out.Attestations, out.Exceptions = r.Size()
		out.Entries = r.Entries(now)
	}
	for _, m := range mistakes {
		out.Mistakes = append(out.Mistakes, m.Error())
	}
	if len(mistakes) > 0 {
		out.ExitCodes = []int{cli.ExitUnread}
	}
	if err := out.print(s, f.output); err != nil {
		return err
	}
	return cli.ExitWith(out.ExitCodes)
}

func (c *checked) print(s cli.Streams, output string) error {
	if output == "json" {
		return cli.WriteJSON(s.Out, c)
	}
	var b strings.Builder
	for _, m := range c.Mistakes {
		fmt.Fprintln(&b, m)
	}
	fmt.Fprintf(&b, "%s: %s, %s, %s, %s\n", c.File, text.Counted(c.Decisions, "decision"), text.Counted(c.Attestations, "attestation"), text.Counted(c.Exceptions, "exception"),
		text.Counted(len(c.Mistakes), "mistake"))
	for _, e := range c.Entries {
		fmt.Fprintf(&b, "  %-8s  %s  line %d: %s %s, %s\n", e.State, e.Expires.UTC().Format(time.DateOnly), e.Line, e.Kind, e.What, e.Who)
	}
	return cli.PrintVisible(s.Out, b.String())
}
