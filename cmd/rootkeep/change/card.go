package change

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/change/expr"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// sheet is text under headings. No value of it makes a line.
type sheet struct{ strings.Builder }

func (b *sheet) head(title string) { fmt.Fprintf(b, "\n%s\n", title) }

func (b *sheet) line(format string, args ...any) {
	fmt.Fprintf(b, "  %s\n", text.Visible(fmt.Sprintf(format, args...), 0)) // whole: what is cut off is what would be hidden
}

// wide is how long JSON may be on one line, in bytes.
const wide = 100

// value is a line with a plain value as JSON, which takes several lines if it is long.
func (b *sheet) value(before string, v any) {
	whole, err := expr.Encode(v)
	var lines bytes.Buffer
	if err == nil && len(whole) > wide {
		err = json.Indent(&lines, whole, "  ", "  ")
	} else {
		lines.Write(whole)
	}
	if err != nil { // a plan that was read holds no such value
		b.line("%s%v", before, err)
		return
	}
	for l := range strings.SplitSeq(lines.String(), "\n") { // JSON has no other line ends than those of Indent
		b.line("%s%s", before, l)
		before = ""
	}
}

// read reads the plan of a change, if it is the one whose SHA-256 the server gives.
func read(c *client.AccountChangeDetail) (*change.Plan, error) {
	p, err := change.ParsePlan([]byte(c.Plan))
	if err != nil {
		return nil, fmt.Errorf("change %s: %w", c.ID, err)
	}
	sum := sha256.Sum256([]byte(c.Plan))
	if hex.EncodeToString(sum[:]) != c.SHA256 || p.ID != c.ID {
		return nil, fmt.Errorf("change %s: its plan is not the one whose SHA-256 the server gives; hint: do not apply it", c.ID)
	}
	return p, nil
}

// card is a change for whoever plans, approves or applies it. What cannot be undone comes
// first. Everything is read from the plan whose SHA-256 it prints.
func card(c *client.AccountChangeDetail) (string, error) {
	p, err := read(c)
	if err != nil {
		return "", err
	}
	b := &sheet{}
	fmt.Fprintf(b, "%s\n", cli.Visible(c.ID+"  "+c.State+"  "+p.Kind+" in "+string(p.Account)))
	if c.Why != "" {
		b.line("%s", c.Why)
	}
	if len(p.Final) > 0 {
		b.head("CANNOT BE UNDONE")
		for _, why := range p.Final {
			b.line("%s", why)
		}
	}
	b.head("WHAT")
	b.line("%s", p.Title)
	b.line("class %s, risk %s, decided by the policy %s", p.Class, p.Risk, c.Policy)
	if p.For != "" {
		b.line("under the request for root %s", p.For)
	}
	if p.Undoes != "" {
		b.line("undoes %s", p.Undoes)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Parameters)) {
		b.value(name+" = ", p.Parameters[name])
	}
	b.head("MAY BREAK")
	b.line("%s", p.Breaks)
	b.plan(p)
	b.stands(c, p)
	b.head("SHA-256 OF THE PLAN")
	b.line("%s", c.SHA256)
	if next := next(c, len(p.Guide) > 0); next != "" {
		b.head("NEXT")
		b.line("%s", next)
	}
	return b.String(), nil
}

// plan is what would be done.
func (b *sheet) plan(p *change.Plan) {
	b.differences("CHANGES", p.Diff)
	b.differences("CHANGED BY OTHERS SINCE THE CHANGE THAT IS UNDONE", p.Drift)
	if len(p.Guide) > 0 {
		b.head("A PERSON DOES, IN THIS ORDER")
		for i, line := range p.Guide {
			b.line("%d. %s", i+1, line)
		}
	}
	if len(p.Calls) > 0 {
		b.head("CALLS, IN THIS ORDER")
	}
	for i := range p.Calls {
		call := &p.Calls[i]
		b.line("%d. %s", i+1, where(call.Call))
		b.value("   with ", call.With)
		if call.About != "" {
			b.line("   %s", call.About)
		}
	}
	b.head("STATE BEFORE")
	for _, name := range slices.Sorted(maps.Keys(p.Prior)) {
		b.value(name+" = ", p.Prior[name])
	}
	if p.Undoable() && p.Undoes == "" {
		b.head("UNDO, LAST FIRST")
		for i := range slices.Backward(p.Calls) {
			for _, u := range p.Calls[i].Undo {
				b.value(where(u)+" with ", u.With)
			}
		}
	}
}

func where(c change.Call) string {
	if c.Root != "" {
		return c.String() + ", in a root session under " + c.Root
	}
	return c.String()
}

func (b *sheet) differences(title string, list []change.Difference) {
	if len(list) > 0 {
		b.head(title)
	}
	for _, d := range list {
		b.line("%s", d.Path)
		b.value("   from ", d.Before)
		b.value("   to   ", d.After)
	}
}

// stands is where the change stands: who has to approve it, who did, what was called.
func (b *sheet) stands(c *client.AccountChangeDetail, p *change.Plan) {
	if len(c.Needs)+len(c.Approvals) > 0 {
		b.head("APPROVALS")
	}
	for _, n := range c.Needs {
		by := "nobody yet"
		if len(n.By) > 0 {
			by = strings.Join(n.By, ", ")
		}
		b.line("needs %d of %s (%s): %s", n.Count, n.Name, n.Group, by)
	}
	for _, a := range c.Approvals {
		void := ""
		if !a.Counts {
			void = ", void"
		}
		b.line("%s  %s by %s%s", a.At.Format(time.RFC3339), a.Decision, a.Approver, void)
	}
	if len(c.Made) > 0 {
		b.head(fmt.Sprintf("MADE, %d OF %d CALLS", len(c.Made), len(p.Calls)))
	}
	for _, m := range c.Made {
		how := ""
		if m.Found {
			how = ", by an attempt whose answer was lost"
		}
		if m.UndoneBy != "" {
			how += ", undone by " + m.UndoneBy
		} else if c.State == "partial" && c.Undoes == "" {
			how += ", not undone"
		}
		b.line("%s  %d. %s in %s of %s%s", m.At.Format(time.RFC3339), m.Number, m.Operation, m.Region, m.Account, how)
	}
	if c.Doubt {
		b.line("the call after that may have been made as well")
	}
}

// next is what to do with a change as it stands; a person does one that is guided.
func next(c *client.AccountChangeDetail, guided bool) string {
	id := " " + c.ID
	can := func(act string) bool { return slices.Contains(c.May, act) }
	switch {
	case can("request"):
		return "rootkeep change request" + id + " --plan-sha256 " + c.SHA256
	case can("approve"):
		return "rootkeep change approve" + id
	case can("apply") && guided:
		return "do what stands above, then rootkeep change apply" + id + " --plan-sha256 " + c.SHA256 + " --wait reads the account back"
	case can("apply") && c.State == "stopped":
		return "rootkeep change apply" + id + " --plan-sha256 " + c.SHA256 + " goes on with it; rootkeep change undo" + id + " goes back; rootkeep change give-up" + id + " leaves it"
	case can("apply"):
		return "rootkeep change apply" + id + " --plan-sha256 " + c.SHA256 + " --wait"
	case c.State == "requested":
		return "others approve it: rootkeep change approve" + id
	case c.State == "applying":
		return "rootkeep change status" + id
	case can("undo") && c.State == "partial":
		return "rootkeep change undo" + id + " undoes the rest"
	case can("undo"):
		return "rootkeep change undo" + id
	case can("replan"):
		return "rootkeep change replan" + id + " plans it for the account as it is now"
	case c.Replaced != "":
		return "rootkeep change status " + c.Replaced + ", which was planned in its place"
	case c.State == "partial":
		return "what is not undone, no call undoes: a person does it by hand, or it is left"
	}
	return ""
}
