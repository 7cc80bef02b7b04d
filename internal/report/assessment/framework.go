package assessment

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Cover adds what the findings mean to the frameworks; controls are the IDs that were
// judged. Of an account of which nothing was read no clause is known.
func (a *Assessment) Cover(chosen []*framework.Framework, controls []string) {
	if len(chosen) == 0 {
		return
	}
	answers := framework.Judge(controls, a.Findings, a.unread())
	for _, f := range chosen {
		a.Frameworks = append(a.Frameworks, f.Cover(answers))
	}
}

// unread counts the accounts of which nothing was read.
func (a *Assessment) unread() int {
	seen := map[rootkeep.AccountID]bool{}
	for _, p := range a.Problems {
		if p.Account != "" {
			seen[p.Account] = true
		}
	}
	return len(seen)
}

// frameworks writes a section for each framework: its clauses with their controls and
// who maps them.
func (a *Assessment) frameworks(out io.Writer) {
	for _, c := range a.Frameworks {
		fmt.Fprintf(out, "\nFRAMEWORK %s: %s %s (%s)\n", visible(c.ID), visible(c.Name), visible(c.Version), visible(c.Owner))
		fmt.Fprintf(out, "  %s\n", counted(c.Counts))
		fmt.Fprintf(out, "  Listed: %s\n  Source: %s, as of %s.\n  %s\n", visible(c.Scope), visible(c.Source), visible(c.Date), c.Meaning)
		if n := a.unread(); n > 0 {
			fmt.Fprintf(out, "  Nothing was read of %s, see below: there no clause is known.\n", text.Counted(n, "account"))
		}
		for _, clause := range c.Clauses {
			writeClause(out, clause)
		}
	}
}

// counted is how many clauses have which status, without those that none has.
func counted(counts map[framework.Status]int) string {
	var parts []string
	for _, s := range framework.Statuses() {
		if n := counts[s]; n > 0 {
			parts = append(parts, text.Grouped(n)+" "+string(s))
		}
	}
	return "Clauses: " + strings.Join(parts, ", ")
}

func writeClause(out io.Writer, c framework.Clause) {
	fmt.Fprintf(out, "  %-14s  %-11s %s\n", c.Status, visible(c.Clause), visible(c.Title))
	if len(c.Mappings) == 0 && c.Why != "" {
		fmt.Fprintf(out, "      %s\n", visible(c.Why))
	}
	for _, m := range c.Mappings {
		controls := make([]string, len(m.Controls))
		for i, answer := range m.Controls {
			controls[i] = answer.Control + " " + string(answer.Status)
		}
		fmt.Fprintf(out, "      %s\n      %s\n", visible(strings.Join(controls, ", ")), visible(m.Says()))
		if m.Part != "" {
			fmt.Fprintf(out, "      not judged: %s\n", visible(m.Part))
		}
	}
}

// clauses are a line of cells for each mapping of each clause of the frameworks, and one
// for a clause without any.
func (a *Assessment) clauses() [][]string {
	lines := [][]string{{"framework", "version", "clause", "title", "status", "mapping_status", "basis", "source", "why", "not_judged", "through", "controls", "failing", "unknown"}}
	for _, f := range a.Frameworks {
		for _, c := range f.Clauses {
			head := []string{f.ID, f.Version, c.Clause, c.Title, string(c.Status)}
			if len(c.Mappings) == 0 {
				lines = append(lines, append(head, string(c.Status), "", "", c.Why, "", "", "", "", ""))
			}
			for _, m := range c.Mappings {
				all, failing, unknown := byStatus(m.Controls)
				lines = append(lines, append(head[:len(head):len(head)], string(m.Status), string(m.Basis), m.Source, m.Why, m.Part, m.Through, all, failing, unknown))
			}
		}
	}
	return lines
}

// table writes lines of cells that a spreadsheet will not take for formulas.
type table struct{ *csv.Writer }

func newTable(w io.Writer) table { return table{csv.NewWriter(w)} }

// line changes the cells.
func (t table) line(cells ...string) error {
	for i := range cells {
		cells[i] = text.Cell(cells[i])
	}
	return t.Write(cells)
}

func (t table) close() error {
	t.Flush()
	return t.Error()
}

// byStatus are the controls of a mapping: all, those that fail, those that are not known.
func byStatus(answers []framework.Answer) (all, failing, unknown string) {
	var lists [3][]string
	for _, a := range answers {
		lists[0] = append(lists[0], a.Control)
		switch a.Status {
		case framework.Fail:
			lists[1] = append(lists[1], a.Control)
		case framework.Unknown:
			lists[2] = append(lists[2], a.Control)
		}
	}
	return strings.Join(lists[0], " "), strings.Join(lists[1], " "), strings.Join(lists[2], " ")
}
