package permission

import (
	"bufio"
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/escalate"
)

// printEscalation prints who is administrator, who can become it and how, and how
// many cannot.
func printEscalation(s cli.Streams, r *escalate.Report, techniques, all int, outside bool) error {
	w := bufio.NewWriter(s.Out)
	fmt.Fprintf(w, "account %s: %d principals, %d techniques\n", cli.Visible(string(r.Account)), all, techniques)
	if len(r.Administrators) > 0 {
		fmt.Fprintf(w, "\nadministrator already: %d\n", len(r.Administrators))
		for _, a := range r.Administrators {
			fmt.Fprintf(w, "  %s%s\n", cli.Visible(r.Name(a.Principal)), standingText(a))
		}
	}
	printPaths(w, r, "can become administrator", r.Paths)
	if outside {
		printPaths(w, r, "from outside the account", r.Outside)
	}
	fmt.Fprintf(w, "\nno path: %d\n", len(r.Unreachable))
	if n := len(r.Unused); n > 0 {
		fmt.Fprintf(w, "service-linked roles, which only AWS uses: %d\n", n)
	}
	printLeads(w, r.Leads)
	for _, why := range r.Cut {
		fmt.Fprintf(w, "the search is not whole: %s\n", cli.Visible(why))
	}
	return w.Flush()
}

func standingText(a escalate.Standing) string {
	switch {
	case a.If != nil:
		return ": " + a.Certainty.String() + ", only if " + cli.Visible(a.If.String())
	case a.Certainty != escalate.Certain:
		return ": " + a.Certainty.String()
	}
	return ""
}

func printPaths(w *bufio.Writer, r *escalate.Report, title string, paths []escalate.Path) {
	counts := map[escalate.Certainty]int{}
	for _, p := range paths {
		counts[p.Certainty]++
	}
	var words []string
	for c := escalate.Certain; c < escalate.None; c++ {
		if counts[c] > 0 {
			words = append(words, fmt.Sprintf("%d %s", counts[c], c))
		}
	}
	fmt.Fprintf(w, "\n%s: %d", title, len(paths))
	if len(words) > 0 {
		fmt.Fprintf(w, " (%s)", strings.Join(words, ", "))
	}
	fmt.Fprintln(w)
	for i := range paths {
		printPath(w, r, &paths[i])
	}
}

// maxOthers is how many other first steps are printed; --output json has all.
const maxOthers = 6

func printPath(w *bufio.Writer, r *escalate.Report, p *escalate.Path) {
	plural := "s"
	if len(p.Steps) == 1 {
		plural = ""
	}
	fmt.Fprintf(w, "\n%s: %s, %d step%s\n", cli.Visible(r.Name(p.From)), p.Certainty, len(p.Steps), plural)
	for i := range p.Steps {
		step := &p.Steps[i]
		fmt.Fprintf(w, "  %d. %s (%s)\n", i+1, cli.Visible(step.Text), cli.Visible(step.ID))
		for _, u := range step.Uses {
			fmt.Fprintf(w, "       %s on %s", cli.Visible(u.Action), cli.Visible(u.Resource))
			if u.Statement != "" {
				fmt.Fprintf(w, ": %s by %s", decisionWord(u), cli.Visible(u.Statement))
			}
			fmt.Fprintln(w)
			if u.If != nil {
				fmt.Fprintf(w, "         only if %s\n", cli.Visible(u.If.String()))
			}
		}
		if step.Note != "" {
			fmt.Fprintf(w, "       %s\n", cli.Visible(step.Note))
		}
		if step.Assumes != "" {
			fmt.Fprintf(w, "       if %s\n", cli.Visible(step.Assumes))
		}
	}
	if p.Ends.If != nil {
		fmt.Fprintf(w, "     %s is administrator only if %s\n", cli.Visible(r.Name(p.Ends.Principal)), cli.Visible(p.Ends.If.String()))
	}
	if len(p.Others) > 0 {
		shown := p.Others[:min(len(p.Others), maxOthers)]
		fmt.Fprintf(w, "     as short: %s", cli.Visible(strings.Join(shown, ", ")))
		if more := len(p.Others) - len(shown); more > 0 {
			fmt.Fprintf(w, " and %d more", more)
		}
		fmt.Fprintln(w)
	}
}

func decisionWord(u escalate.Use) string {
	if u.Decision == iam.Allowed {
		return "allowed"
	}
	return "perhaps allowed"
}

// printLeads counts leads by technique.
func printLeads(w *bufio.Writer, leads []escalate.Found) {
	counts := map[string]int{}
	var ids []string
	for _, l := range leads {
		if counts[l.Technique]++; counts[l.Technique] == 1 {
			ids = append(ids, l.Technique)
		}
	}
	if len(ids) == 0 {
		return
	}
	slices.Sort(ids)
	fmt.Fprintln(w, "\nleads, which may lead on outside this graph:")
	for _, id := range ids {
		fmt.Fprintf(w, "  %s: %d principals\n", cli.Visible(id), counts[id])
	}
}
