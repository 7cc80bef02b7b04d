package permission

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/iam/diff"
	"github.com/rootkeep/rootkeep/iam/diff/snapshot"
	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// The texts below hold names from files, each made harmless before it is put in: a Sid
// with a line break would otherwise write lines of its own.

// diffOutput is the answer about two sides of policies.
type diffOutput struct {
	Schema string    `json:"schema"`
	Kind   diff.Kind `json:"type"`
	*diff.Report
	Granted   *diff.Access `json:"granted,omitempty"` // of the actions of --not-granted
	ExitCodes []int        `json:"exit_codes"`
}

// accountDiffOutput is the answer about two reads of an account.
type accountDiffOutput struct {
	Schema string `json:"schema"`
	*snapshot.Report
	ExitCodes []int `json:"exit_codes"`
}

func (o *diffOutput) text() string {
	var b strings.Builder
	if o.Report != nil {
		fmt.Fprintf(&b, "new access: %s\nlost access: %s\n", answered(&o.New), answered(&o.Lost))
		if o.Lifted.Answer != diff.No {
			fmt.Fprintf(&b, "lifted denies: %s\n", answered(&o.Lifted))
		}
		if o.Assumed {
			b.WriteString("The policies only deny: compared as beside FullAWSAccess.\n")
		}
		writeAccess(&b, "New access", &o.New)
		writeAccess(&b, "Lost access", &o.Lost)
		writeAccess(&b, "Lifted denies, which become access where another policy allows it", &o.Lifted)
	}
	if o.Granted != nil {
		fmt.Fprintf(&b, "granted: %s\n", answered(o.Granted))
		writeAccess(&b, "Granted", o.Granted)
	}
	return b.String()
}

// answered is an answer with how much it is about.
func answered(a *diff.Access) string {
	switch a.Answer {
	case diff.Yes:
		return fmt.Sprintf("yes, %s", byLevel(a.Changes))
	case diff.Unknown:
		return fmt.Sprintf("unknown, %s", byLevel(a.Open))
	}
	return "no"
}

// byLevel counts actions by access level, the most dangerous first.
func byLevel(list []diff.Change) string {
	counts := map[string]int{}
	seen := map[string]bool{}
	for _, ch := range list {
		for _, a := range ch.Actions {
			if !seen[a.Name] {
				seen[a.Name] = true
				counts[a.Access]++
			}
		}
	}
	var parts []string
	for _, level := range []string{metadata.PermissionsManagement.String(), metadata.Write.String(), metadata.Tagging.String(), metadata.Read.String(), metadata.List.String(), ""} {
		name := level
		if name == "" {
			name = "not in the action table"
		}
		if n := counts[level]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
	}
	if len(parts) == 0 { // what was too much to compare has no list
		return "actions not counted"
	}
	return fmt.Sprintf("%s (%s)", text.Counted(len(seen), "action"), strings.Join(parts, ", "))
}

func writeAccess(b *strings.Builder, title string, a *diff.Access) {
	if len(a.Changes)+len(a.Open) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for i := range a.Changes {
		writeChange(b, "", &a.Changes[i])
	}
	for i := range a.Open {
		writeChange(b, "maybe ", &a.Open[i])
	}
}

// someActions is how many names a line of text lists; JSON has all.
const someActions = 8

func writeChange(b *strings.Builder, doubt string, ch *diff.Change) {
	names := make([]string, 0, someActions)
	for _, a := range ch.Actions[:min(len(ch.Actions), someActions)] {
		if names = append(names, cli.Visible(a.Name)); a.Unlisted {
			names[len(names)-1] += " (stands for names that the action table of " + metadata.Date().Format(time.DateOnly) + " does not have)"
		}
	}
	more := ""
	if n := len(ch.Actions) - len(names); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	if len(names) == 0 {
		names = []string{"any action"}
	}
	fmt.Fprintf(b, "  %s%s%s\n", doubt, strings.Join(names, ", "), more)
	if len(ch.Principals) > 0 {
		fmt.Fprintf(b, "    who: %s\n", cli.Visible(strings.Join(ch.Principals, ", ")))
	}
	if ch.By != nil {
		condition := ""
		if ch.Conditional {
			condition = ", under conditions"
		}
		fmt.Fprintf(b, "    allowed by %s (line %d)%s\n", cli.Visible(ch.By.String()), ch.By.Line, condition)
	}
	if ch.Despite != nil {
		fmt.Fprintf(b, "    on the other side stopped by %s (line %d)\n", cli.Visible(ch.Despite.String()), ch.Despite.Line)
	}
	if e := ch.Example; e != nil {
		fmt.Fprintf(b, "    example: %s on %s by %s", cli.Visible(e.Action), cli.Visible(e.Resource), cli.Visible(e.Principal))
		for i, key := range slices.Sorted(maps.Keys(e.Context)) {
			word := ", "
			if i == 0 {
				word = " with "
			}
			fmt.Fprintf(b, "%s%s=%s", word, cli.Visible(key), cli.Visible(strings.Join(e.Context[key], "|")))
		}
		b.WriteByte('\n')
	}
	if ch.Reason != "" {
		fmt.Fprintf(b, "    not known: %s\n", cli.Visible(ch.Reason))
	}
}

func (o *accountDiffOutput) text() string {
	var b strings.Builder
	gained, trusted, unsure, unread := 0, 0, 0, 0
	for i := range o.Principals {
		p := &o.Principals[i]
		switch {
		case p.Event == snapshot.Unread:
			unread++
		case p.New.Answer == diff.Yes:
			gained++
		case p.New.Answer == diff.Unknown:
			unsure++
		}
		if p.Trust != nil && p.Trust.New.Answer != diff.No {
			trusted++
		}
	}
	fmt.Fprintf(&b, "account %s: %s changed, %d unchanged\n", o.Account, text.Counted(len(o.Principals)-unread, "principal"), o.Same)
	fmt.Fprintf(&b, "new permissions: %d; not known: %d; new trust: %d; not readable in full: %d\n", gained, unsure, trusted, unread)
	for i := range o.Principals {
		writePrincipal(&b, &o.Principals[i])
	}
	writeThings(&b, "Groups", o.Groups)
	writeThings(&b, "Managed policies", o.Policies)
	if len(o.Problems) > 0 {
		b.WriteString("\nNot read\n")
		for _, p := range o.Problems {
			fmt.Fprintf(&b, "  %s\n", cli.Visible(p))
		}
	}
	return b.String()
}

func writePrincipal(b *strings.Builder, p *snapshot.Principal) {
	fmt.Fprintf(b, "\n%s: %s\n", cli.Visible(p.ARN), p.Event)
	for _, why := range p.Why {
		fmt.Fprintf(b, "  because: %s\n", cli.Visible(why))
	}
	for _, name := range p.Unread {
		fmt.Fprintf(b, "  not read: %s\n", cli.Visible(name))
	}
	if p.Event == snapshot.Unread {
		return
	}
	fmt.Fprintf(b, "  new access: %s\n  lost access: %s\n", answered(&p.New), answered(&p.Lost))
	writeNested(b, &p.New)
	if p.Trust != nil {
		fmt.Fprintf(b, "  new callers: %s\n  lost callers: %s\n", p.Trust.New.Answer, p.Trust.Lost.Answer)
		writeNested(b, &p.Trust.New)
	}
}

// writeNested prints changes below a principal.
func writeNested(b *strings.Builder, a *diff.Access) {
	var inner strings.Builder
	for i := range a.Changes {
		writeChange(&inner, "", &a.Changes[i])
	}
	for i := range a.Open {
		writeChange(&inner, "maybe ", &a.Open[i])
	}
	for line := range strings.Lines(inner.String()) {
		b.WriteString("  " + line)
	}
}

func writeThings(b *strings.Builder, title string, list []snapshot.Thing) {
	if len(list) > 0 {
		fmt.Fprintf(b, "\n%s\n", title)
	}
	for _, t := range list {
		fmt.Fprintf(b, "  %s: %s\n", cli.Visible(t.ARN), t.Event)
	}
}
