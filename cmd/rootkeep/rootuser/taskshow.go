package rootuser

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
)

func showCommand(s cli.Streams, f *taskFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show a task: the way without root first, then what a request needs",
		Long: `Show prints what a task is for, the way without root, and for each holder of a root
user what a request for it needs: the way, who approves, what is asked, what is to be
done before and after, and which events of CloudTrail are in its scope. An event of the
session that is not in the scope becomes a case.`,
		Example:           "  rootkeep root tasks show close-account --holder member\n  rootkeep root tasks show unlock-bucket --output json",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: f.completeIDs,
		RunE: func(_ *cobra.Command, args []string) error {
			tasks, codes, err := f.load(s)
			if err != nil {
				return err
			}
			t := tasks.Find(args[0])
			if t == nil {
				return cli.Usage("there is no root task %q; hint: rootkeep root tasks list", args[0])
			}
			if f.output == "json" {
				err = cli.WriteJSON(s.Out, f.shown(t, codes))
			} else {
				err = f.print(s, t)
			}
			return cmp.Or(err, cli.ExitWith(codes))
		},
	}
	f.register(c)
	return c
}

// shownTask is the JSON form of a task.
type shownTask struct {
	Schema    string        `json:"schema"`
	ID        string        `json:"id"`
	Title     string        `json:"title"`
	Why       string        `json:"why"`
	Need      access.Need   `json:"need"`
	Holders   []shownAdvice `json:"holders"`
	Source    string        `json:"source"`
	Checked   string        `json:"checked"` // YYYY-MM-DD
	Hash      string        `json:"sha256"`
	ExitCodes []int         `json:"exit_codes"`
}

type shownAdvice struct {
	Holder  access.Holder `json:"holder"`
	Says    string        `json:"says"`
	Instead string        `json:"instead,omitempty"`
	Change  string        `json:"change,omitempty"`
	Refused bool          `json:"refused"`
	Needs   *shownNeeds   `json:"needs,omitempty"`
}

type shownNeeds struct {
	Path      access.Path            `json:"path"`
	Change    string                 `json:"change,omitempty"`
	Recovery  bool                   `json:"recovery"`
	Custodian bool                   `json:"custodian"`
	Networks  bool                   `json:"networks"`
	Policies  map[access.Kind]string `json:"policies"`
	Session   int                    `json:"session_seconds"`
	Window    int                    `json:"window_seconds"`
	Expected  int                    `json:"expected_seconds"`
	Before    []access.Item          `json:"before"`
	After     []access.Item          `json:"after"`
	Events    []string               `json:"events"`
	Asks      []shownQuestion        `json:"asks"`
}

type shownQuestion struct {
	Name     string `json:"name"`
	Text     string `json:"text"`
	Optional bool   `json:"optional"`
}

func (f *taskFlags) shown(t *access.Task, codes []int) shownTask {
	out := shownTask{
		Schema: "rootkeep/root-task/1", ID: t.ID, Title: t.Title, Why: t.Why, Need: t.Need, Holders: []shownAdvice{},
		Source: t.Source, Checked: t.Checked.Format(time.DateOnly), Hash: t.Hash.String(), ExitCodes: codes,
	}
	for _, h := range f.holders() {
		a := t.Advise(h)
		line := shownAdvice{Holder: h, Says: a.Says, Instead: a.Instead, Change: a.Change, Refused: a.Refused}
		if n := a.Needs; n != nil {
			line.Needs = &shownNeeds{
				Path: n.Path, Change: n.Change, Recovery: n.Recovery, Custodian: n.Custodian, Networks: n.Networks, Policies: n.Policies,
				Session: int(n.Session.Seconds()), Window: int(n.Window.Seconds()), Expected: int(n.Expected.Seconds()),
				Before: n.Before, After: n.After, Events: n.Events, Asks: []shownQuestion{},
			}
			for _, q := range n.Asks {
				line.Needs.Asks = append(line.Needs.Asks, shownQuestion(q))
			}
		}
		out.Holders = append(out.Holders, line)
	}
	return out
}

func (f *taskFlags) print(s cli.Streams, t *access.Task) error {
	usual, err := approval.NewBook(approval.Configuration{})
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)\n%s\n\n%s\n", t.ID, t.Need, t.Title, t.Why)
	for _, group := range f.alike(t) {
		a := t.Advise(group[0])
		var who []string
		for _, h := range group {
			who = append(who, called[h])
		}
		fmt.Fprintf(&b, "\nRoot user of %s:\n  %s\n", strings.Join(who, ", or of "), a.Says)
		if a.Instead != "" {
			fmt.Fprintf(&b, "  %s\n", a.Instead)
		}
		if a.Change != "" {
			fmt.Fprintf(&b, "  The change %s does it: rootkeep change plan %s\n", a.Change, a.Change)
		}
		if a.Needs != nil {
			if err := printNeeds(&b, a.Needs, usual); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(&b, "\nSource: %s (%s)\n", t.Source, t.Checked.Format(time.DateOnly))
	return cli.PrintVisible(s.Out, b.String())
}

// alike are the holders for which the task comes to the same, so that it is said once.
func (f *taskFlags) alike(t *access.Task) [][]access.Holder {
	var out [][]access.Holder
	var last access.Advice
	for _, h := range f.holders() {
		a := t.Advise(h)
		a.Holder = ""
		if len(out) > 0 && reflect.DeepEqual(a, last) {
			out[len(out)-1] = append(out[len(out)-1], h)
			continue
		}
		out, last = append(out, []access.Holder{h}), a
	}
	return out
}

// called is how a holder is spoken of.
var called = map[access.Holder]string{
	access.Member: "a member", access.Management: "the management account", access.Standalone: "an account in no organization",
}

// printNeeds prints what a request needs; book has the policies that are in force where
// nobody wrote others.
func printNeeds(b *strings.Builder, n *access.Requirement, book *approval.Book) error {
	switch {
	case n.Path == access.Assumed:
		fmt.Fprintf(b, "  Way: a session of sts:AssumeRoot for the planned change %s. Nobody signs in.\n", n.Change)
	case n.Recovery:
		b.WriteString("  Way: a sign-in. The credential is made for it with root-recovery-allow, and deleted afterwards.\n")
	default:
		b.WriteString("  Way: a sign-in, with the credential that a custodian keeps.\n")
	}
	for _, k := range slices.Backward(slices.Sorted(maps.Keys(n.Policies))) {
		p, err := book.Policy(n.Policies[k])
		if err != nil {
			return err
		}
		var who []string
		for _, q := range p.Require {
			who = append(who, fmt.Sprintf("%d of %s", q.Count, q.Name))
		}
		fmt.Fprintf(b, "  Approval as %s: policy %s; unless the server's say otherwise %s\n", k, p.ID, strings.Join(who, " and "))
	}
	fmt.Fprintf(b, "  Time: about %s; a session of at most %s, in a window of at most %s\n", span(n.Expected), span(n.Session), span(n.Window))
	b.WriteString("  Asked:\n")
	for _, q := range n.Asks {
		optional := ""
		if q.Optional {
			optional = " (optional)"
		}
		fmt.Fprintf(b, "    %s: %s%s\n", q.Name, q.Text, optional)
	}
	for _, part := range []struct {
		title string
		items []access.Item
	}{{"Before", n.Before}, {"Afterwards", n.After}} {
		fmt.Fprintf(b, "  %s:\n", part.title)
		for _, i := range part.items {
			fmt.Fprintf(b, "    [%s] %s\n", i.Phase, i.Text)
		}
	}
	b.WriteString("  In scope:\n")
	for _, e := range n.Events {
		fmt.Fprintf(b, "    %s\n", e)
	}
	return nil
}
