// Package incident is rootkeep incident: cases over the API of a server.
package incident

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

// Command is rootkeep incident.
func Command(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "incident",
		Short: "Cases: uses of root that nothing covers, and overrides to be reviewed",
		Long: `A use of root that no approved request covers opens a case, and so does an override. A
case gets an owner, notes and in the end a reason; what arrives later and explains it is
told to it. Whoever took part in what it is about does not close it.

These commands speak to a server. To write takes a pass, which stands for a person: the
console makes one under "Your keys and sessions".`,
		Example: "  rootkeep incident list --state open\n  rootkeep incident show CS-0DJ4M1B7R2LQK8N3",
	}
	c.AddCommand(listCommand(s), showCommand(s), assignCommand(s), noteCommand(s), closeCommand(s))
	return c
}

// flags are those of every command that speaks to a server.
type flags struct{ cli.ServerFlags }

// ids is the form of a case's ID, which becomes part of addresses.
var ids = regexp.MustCompile(`^CS-[0-9A-Z]{1,40}$`)

const all = "/incidents"

// begin checks the ID of a command line and makes the client.
func (f *flags) begin(text string) (*client.Client, string, error) {
	if !ids.MatchString(text) {
		return nil, "", cli.Usage("case %q: want its ID, such as CS-0DJ4M1B7R2LQK8N3; hint: rootkeep incident list", text)
	}
	server, err := f.Client()
	return server, all + "/" + url.PathEscape(text), err
}

func told(err error) error {
	var p *client.Problem
	if errors.As(err, &p) && p.Type == "/problems/forbidden" {
		return fmt.Errorf("%w; hint: this takes a pass of a person with the role responder, which the console makes under \"Your keys and sessions\"", err)
	}
	return err
}

var states = []string{"open", "closed"}

// choice says which cases a list holds.
type choice struct {
	state, account, owner, request, severity string
	limit                                    int
}

func listCommand(s cli.Streams) *cobra.Command {
	var f flags
	var q choice
	c := &cobra.Command{
		Use:     "list",
		Short:   "List cases, the newest first",
		Long:    "List shows the cases of the accounts that you may read.",
		Example: "  rootkeep incident list --state open\n  rootkeep incident list --request RR-1KB2Z7Q0MX7F3A --output json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return f.list(c, s, &q) },
	}
	f.Register(c)
	fl := c.Flags()
	fl.StringVar(&q.state, "state", "", "only those: open or closed")
	fl.StringVar(&q.account, "account", "", "only of this account")
	fl.StringVar(&q.owner, "owner", "", "only those that this person has (ID)")
	fl.StringVar(&q.request, "request", "", "only those about this request (RR-...)")
	fl.StringVar(&q.severity, "severity", "", "only of this severity or above")
	fl.IntVar(&q.limit, "limit", 50, "at most so many")
	cli.CompleteValues(c, "state", states)
	cli.CompleteValues(c, "severity", cli.Levels())
	return c
}

func (f *flags) list(c *cobra.Command, s cli.Streams, q *choice) error {
	if err := cli.CheckLimit(q.limit); err != nil {
		return err
	}
	switch {
	case q.state != "" && !slices.Contains(states, q.state):
		return cli.Usage("--state %s: want open or closed", q.state)
	}
	server, err := f.Client()
	if err != nil {
		return err
	}
	list, err := cli.Newest[client.Incident](c.Context(), server, all, q.limit, map[string]string{"state": q.state, "account": q.account, "owner": q.owner, "request": q.request, "severity": q.severity})
	if err != nil {
		return told(err)
	}
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema string            `json:"schema"`
			Cases  []client.Incident `json:"cases"`
		}{"rootkeep/incident-list/1", list})
	}
	if len(list) == 0 {
		return cli.PrintVisible(s.Out, "no case\n")
	}
	for _, x := range list {
		line := fmt.Sprintf("%s  %-6s  %-8s  %s  %s  %s  %s", x.ID, x.State, x.Severity, x.Account, stamp(x.Opened), cmp.Or(x.Owner, "nobody"), x.Title)
		if _, err := fmt.Fprintln(s.Out, cli.Visible(line)); err != nil {
			return err
		}
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func showCommand(s cli.Streams) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:     "show ID",
		Short:   "Show a case: its newest events with verdicts, and its history",
		Long:    "Show prints what a case is about, its newest events with the reason of each verdict, and its history.",
		Example: "  rootkeep incident show CS-0DJ4M1B7R2LQK8N3",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			server, path, err := f.begin(args[0])
			if err != nil {
				return err
			}
			x, err := client.Get[client.IncidentDetail](c.Context(), server, path, nil)
			if err != nil {
				return told(err)
			}
			if f.Output == "json" {
				return cli.WriteJSON(s.Out, struct {
					Schema string `json:"schema"`
					client.IncidentDetail
				}{"rootkeep/incident-detail/1", x})
			}
			return cli.PrintVisible(s.Out, card(&x))
		},
	}
	f.Register(c)
	return c
}

// card is a case for a person. A line end in a value makes no line.
func card(x *client.IncidentDetail) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", cli.Visible(x.ID), cli.Visible(x.State+", "+x.Severity))
	for _, l := range [][2]string{
		{"About", x.Title}, {"Account", x.Account}, {"Request", x.Request}, {"Events", strconv.Itoa(x.Events)}, {"Owner", cmp.Or(x.Owner, "nobody")},
		{"Opened", stamp(x.Opened)}, {"Closed as", x.Reason},
	} {
		if l[1] != "" {
			fmt.Fprintf(&b, "  %-10s%s\n", l[0], cli.Visible(l[1]))
		}
	}
	if len(x.Newest) > 0 {
		b.WriteString("Newest events\n")
	}
	for _, e := range x.Newest {
		what := strings.TrimSuffix(e.Source, ".amazonaws.com") + " " + e.Name
		if e.Address != "" {
			what += " from " + e.Address
		}
		fmt.Fprintf(&b, "  %-13s  %s  %s\n      %s\n", cli.Visible(cmp.Or(e.Verdict, "NOT_JUDGED")), stamp(e.Time), cli.Visible(e.Account+"  "+what), cli.Visible(e.Why))
	}
	b.WriteString("History\n")
	for _, l := range x.History {
		fmt.Fprintf(&b, "  %s  %-9s  %s\n", stamp(l.At), cli.Visible(l.Act), cli.Visible(l.By+": "+l.About))
	}
	return b.String()
}

func assignCommand(s cli.Streams) *cobra.Command {
	var owner string
	c, do := actCommand(s, http.MethodPut, "owner", &cobra.Command{
		Use:     "assign ID --to PERSON",
		Short:   "Give a case to a person",
		Long:    "Assign gives an open case to a person, who answers for what it comes to.",
		Example: "  rootkeep incident assign CS-0DJ4M1B7R2LQK8N3 --to PE-1KB2Z7Q0MX7F3A",
	})
	c.Flags().StringVar(&owner, "to", "", "ID of the person")
	c.RunE = func(c *cobra.Command, args []string) error {
		if owner == "" {
			return cli.Missing(c, "to")
		}
		return do(c.Context(), args[0], client.IncidentOwner{Owner: owner})
	}
	return c
}

func noteCommand(s cli.Streams) *cobra.Command {
	var text string
	c, do := actCommand(s, http.MethodPost, "notes", &cobra.Command{
		Use:     "note ID --text TEXT",
		Short:   "Add a note to a case",
		Long:    "Note adds what you found to the history of a case, also of one that is closed. A note is never taken back.",
		Example: "  rootkeep incident note CS-0DJ4M1B7R2LQK8N3 --text \"Called the owner of the account: it was not her\"",
	})
	c.Flags().StringVar(&text, "text", "", "the note")
	c.RunE = func(c *cobra.Command, args []string) error {
		if text == "" {
			return cli.Missing(c, "text")
		}
		return do(c.Context(), args[0], client.IncidentText{Text: text})
	}
	return c
}

func closeCommand(s cli.Streams) *cobra.Command {
	var reason string
	var yes bool
	c, do := actCommand(s, http.MethodPost, "closing", &cobra.Command{
		Use:   "close ID --reason TEXT",
		Short: "Close a case, with what it came to",
		Long: `Close ends a case that somebody has. Whoever took part in what it is about does not close
it, and that of an override is reviewed first. New events open it again.`,
		Example: "  rootkeep incident close CS-0DJ4M1B7R2LQK8N3 --reason \"The password was stolen; it is changed, and the key deleted\"",
	})
	c.Flags().StringVar(&reason, "reason", "", "what it came to")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.RunE = func(c *cobra.Command, args []string) error {
		if reason == "" {
			return cli.Missing(c, "reason")
		}
		if !ids.MatchString(args[0]) {
			return cli.Usage("case %q: want its ID; hint: rootkeep incident list", args[0])
		}
		if err := cli.Agree(s, yes, "Close the case "+args[0]); err != nil {
			return err
		}
		return do(c.Context(), args[0], client.IncidentText{Text: reason})
	}
	return c
}

// actCommand is a command that does something to a case as it is now; do does it, by the
// name that the API has for it.
func actCommand(s cli.Streams, method, act string, c *cobra.Command) (_ *cobra.Command, do func(ctx context.Context, id string, body any) error) {
	var f flags
	f.Register(c)
	c.Args = cobra.ExactArgs(1)
	return c, func(ctx context.Context, id string, body any) error {
		server, path, err := f.begin(id)
		if err != nil {
			return err
		}
		read, err := server.Do(ctx, client.Call{Path: path}, nil)
		if err != nil {
			return told(err)
		}
		var x client.IncidentDetail
		if _, err := server.Do(ctx, client.Call{Method: method, Path: path + "/" + act, IfMatch: read.ETag, Body: body}, &x); err != nil {
			return told(err)
		}
		if f.Output == "json" {
			return cli.WriteJSON(s.Out, struct {
				Schema string `json:"schema"`
				client.IncidentDetail
			}{"rootkeep/incident-detail/1", x})
		}
		return cli.PrintVisible(s.Out, card(&x))
	}
}
