package rootuser

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/guardrails"
)

func railCheckCommand(s cli.Streams, f *railFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "check SNAPSHOT...",
		Short: "Say which guardrails hold in which accounts",
		Long: `Check reads snapshots that a scan wrote, or the folder of an organization's scan, and
says of each account which guardrails hold: as their policies decide, not as they are
named. Of the management account, which no service control policy binds, it says what is
different. Exit code 2 when one does not hold where it should, or when that is not known,
and 5 when a snapshot could not be read.`,
		Example: "  rootkeep root guardrails check snapshot.json\n  rootkeep root guardrails check ./scan --output json",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return f.check(c.Context(), s, args)
		},
	}
	f.register(c)
	return c
}

// standing is whether one guardrail holds, for programs.
type standing struct {
	Guardrail string `json:"guardrail"`
	Control   string `json:"control"`
	Holds     string `json:"holds"` // yes, no, unknown, not-applicable
	Detail    string `json:"detail,omitempty"`
}

// checked is an account with its guardrails, for programs.
type checked struct {
	Account    rootkeep.AccountID `json:"account"`
	Holder     access.Holder      `json:"holder,omitempty"` // missing if it is not known
	Caller     bool               `json:"caller"`
	Guardrails []standing         `json:"guardrails"`
}

func (f *railFlags) check(ctx context.Context, s cli.Streams, paths []string) error {
	all, codes, err := f.load(s)
	if err != nil {
		return err
	}
	accounts, problems, err := all.Check(ctx, paths, time.Now())
	if err != nil {
		return &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	for _, p := range problems {
		fmt.Fprintf(s.Err, "rootkeep: %s\n", cli.Visible(p))
		codes = []int{cli.ExitUnread}
	}
	if len(accounts) == 0 {
		return &cli.Error{Code: cli.ExitUnread, Err: errors.New("no account could be read; hint: give what rootkeep scan --save wrote")}
	}
	out := []checked{}
	for i := range accounts {
		out = append(out, shownAccount(&accounts[i]))
	}
	if slices.ContainsFunc(out, open) {
		codes = append([]int{cli.ExitFindings}, codes...)
	}
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/root-guardrails-check/1", "accounts": out, "exit_codes": codes})
	} else {
		err = printChecked(s, out)
	}
	return cmp.Or(err, cli.ExitWith(codes))
}

// open says whether a guardrail does not hold, or may not.
func open(a checked) bool {
	return slices.ContainsFunc(a.Guardrails, func(g standing) bool { return g.Holds == "no" || g.Holds == "unknown" })
}

func shownAccount(a *guardrails.Account) checked {
	out := checked{a.ID, a.Holder, a.Caller, []standing{}}
	for _, st := range a.Standings {
		line := standing{st.Guardrail.ID, st.Guardrail.Control, "unknown", st.Detail}
		switch st.Status {
		case rootkeep.Pass:
			line.Holds = "yes"
		case rootkeep.Fail, rootkeep.Excepted:
			line.Holds = "no"
		case rootkeep.NotApplicable:
			line.Holds, line.Detail = "not-applicable", ""
			if a.Holder == access.Management {
				line.Detail = st.Guardrail.Management
			}
		}
		out.Guardrails = append(out.Guardrails, line)
	}
	return out
}

func printChecked(s cli.Streams, accounts []checked) error {
	var b strings.Builder
	for _, a := range accounts {
		what := "an account that the snapshot does not tell the organization of"
		if a.Holder != "" {
			what = strings.TrimPrefix(called[a.Holder], "the ")
		}
		if a.Caller {
			what += ", from which sts:AssumeRoot can be called"
		}
		fmt.Fprintf(&b, "%s, %s\n", cmp.Or(string(a.Account), "account"), what)
		for _, g := range a.Guardrails {
			line := fmt.Sprintf("  %-14s  %-12s  %s", g.Holds, g.Guardrail, g.Detail)
			fmt.Fprintf(&b, "%s\n", strings.TrimRight(line, " "))
		}
	}
	return cli.PrintVisible(s.Out, b.String())
}
