package permission

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam/escalate"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
	"github.com/rootkeep/rootkeep/iam/escalate/trial"
)

type escalateFlags struct {
	account    accountFlags
	techniques []string
	content    string
	maxSteps   int
	outside    bool
	output     string
	failOn     string
	list, test bool
	show       string
}

func iamEscalateCommand(s cli.Streams) *cobra.Command {
	var f escalateFlags
	c := &cobra.Command{
		Use:   "escalate [PRINCIPAL...]",
		Short: "Find how principals could become administrator",
		Long: `Escalate searches, for every user and role of an account or for those named, the best
path to administrator: the most certain one, then the shortest. Every permission of
every step is asked of the evaluator, with the real target, after Deny, permissions
boundary and SCPs. PRINCIPAL is an ARN, or the end of one such as user/ann or ann.

A path is certain; conditional, if it hangs on a context key that is not known;
possible, if it needs something that the account's dump does not tell of, such as a
function that runs as a role; or unknown, if it hangs on a policy that could not be
read. Leads are permissions that may lead on outside this graph, such as reading
secrets: they are counted, and listed with --output json.

Exit code 2 with --fail-on when a principal that is no administrator has a path at
least as certain, 5 when a part of the input could not be read.`,
		Example: `  aws iam get-account-authorization-details > details.json
  rootkeep iam escalate --account details.json
  rootkeep iam escalate user/ann --account details.json --scp root.json --scp ou.json
  rootkeep iam escalate --from-outside --fail-on conditional --account details.json
  rootkeep iam escalate --list
  rootkeep iam escalate --show iam-create-policy-version
  rootkeep iam escalate --test --content ./my-content`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, principals []string) error { return f.run(s, principals) },
	}
	f.add(c)
	return c
}

func (f *escalateFlags) add(c *cobra.Command) {
	f.account.add(c)
	fl := c.Flags()
	fl.StringSliceVar(&f.techniques, "technique", nil, "search with these techniques only (repeatable)")
	fl.StringVar(&f.content, "content", "", "folder with further techniques: DIR/escalations/*.yaml")
	fl.IntVar(&f.maxSteps, "max-steps", 10, "longest path")
	fl.BoolVar(&f.outside, "from-outside", false, "search from outside the account too, over trust policies")
	fl.StringVar(&f.output, "output", "text", "text or json")
	fl.StringVar(&f.failOn, "fail-on", "", "exit 2 when a path is at least this certain: "+strings.Join(failOnNames(), ", "))
	fl.BoolVar(&f.list, "list", false, "list the techniques")
	fl.StringVar(&f.show, "show", "", "explain one technique")
	fl.BoolVar(&f.test, "test", false, "run the cases inside the technique files")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	cli.CompleteValues(c, "fail-on", failOnNames())
	for _, flag := range []string{"technique", "show"} {
		_ = c.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			ts, _ := f.load()
			var ids []string
			for _, t := range ts {
				ids = append(ids, t.ID)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		})
	}
}

func failOnNames() []string {
	var out []string
	for c := escalate.Certain; c < escalate.None; c++ {
		out = append(out, c.String())
	}
	return out
}

func (f *escalateFlags) run(s cli.Streams, principals []string) error {
	failOn, known := escalate.ParseCertainty(f.failOn)
	switch {
	case f.output != "text" && f.output != "json":
		return cli.Usage("--output %s: want text or json", f.output)
	case f.failOn != "" && (!known || failOn == escalate.None):
		return cli.Usage("--fail-on %s: want %s", f.failOn, strings.Join(failOnNames(), ", "))
	case f.maxSteps < 1 || f.maxSteps > 100:
		return cli.Usage("--max-steps %d: want 1 to 100", f.maxSteps)
	}
	all, err := f.load()
	if err != nil {
		return err
	}
	ts, err := f.chosen(all)
	if err != nil {
		return err
	}
	switch {
	case f.list:
		return f.printList(s, ts)
	case f.show != "":
		return f.printOne(s, ts)
	case f.test:
		return f.runCases(s, ts, all)
	}
	return f.search(s, ts, principals, failOn)
}

// load reads the shipped techniques and the user's.
func (f *escalateFlags) load() ([]*technique.Technique, error) {
	sources := []technique.Source{{FS: content.Files, Dir: "escalations"}}
	if f.content != "" {
		sources = append(sources, technique.Source{FS: os.DirFS(f.content), Dir: "escalations", Name: f.content})
	}
	ts, err := technique.Load(sources...)
	if err != nil {
		return nil, &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	return ts, nil
}

// chosen are the techniques that --technique names, or all.
func (f *escalateFlags) chosen(ts []*technique.Technique) ([]*technique.Technique, error) {
	if len(f.techniques) == 0 {
		return ts, nil
	}
	var out []*technique.Technique
	for _, id := range f.techniques {
		t, err := findTechnique(ts, id)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func findTechnique(ts []*technique.Technique, id string) (*technique.Technique, error) {
	i := slices.IndexFunc(ts, func(t *technique.Technique) bool { return t.ID == id })
	if i < 0 {
		return nil, cli.Usage("no technique %s; hint: rootkeep iam escalate --list", id)
	}
	return ts[i], nil
}

func (f *escalateFlags) search(s cli.Streams, ts []*technique.Technique, principals []string, failOn escalate.Certainty) error {
	now := time.Now()
	in, unread, err := f.account.read(s, now)
	if err != nil {
		return err
	}
	r, err := escalate.Search(in.account, escalate.Options{
		Techniques: ts, Guardrails: in.guardrails, Context: in.context, Now: now, MaxSteps: f.maxSteps, Outside: f.outside, Progress: searchProgress(s),
	})
	if err != nil {
		return &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	all := countPrincipals(r)
	if err := r.Keep(principals); err != nil {
		return cli.Usage("%w; hint: the ARN, or the end of it such as user/ann", err)
	}
	codes := []int{}
	for _, p := range slices.Concat(r.Paths, r.Outside) {
		if f.failOn != "" && p.Certainty <= failOn && !slices.Contains(codes, cli.ExitFindings) {
			codes = append(codes, cli.ExitFindings)
		}
	}
	if unread {
		codes = append(codes, cli.ExitUnread)
	}
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, struct {
			Schema     string `json:"schema"`
			Techniques int    `json:"techniques"`
			*escalate.Report
			Problems  []string `json:"problems"`
			ExitCodes []int    `json:"exit_codes"`
		}{"rootkeep/iam-escalate/1", len(ts), r, problemTexts(in), codes})
	} else {
		err = printEscalation(s, r, len(ts), all, f.outside)
	}
	if err != nil {
		return err
	}
	return cli.ExitWith(codes)
}

func problemTexts(in *surroundings) []string {
	out := []string{}
	for _, p := range in.account.Problems {
		out = append(out, p.String())
	}
	return out
}

func countPrincipals(r *escalate.Report) int {
	return len(r.Administrators) + len(r.Paths) + len(r.Unreachable) + len(r.Unused)
}

// searchProgress shows how far a long search is, on a terminal only.
func searchProgress(s cli.Streams) func(done, all int) {
	file, ok := s.Err.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	start, shown := time.Now(), time.Time{}
	return func(done, all int) {
		switch now := time.Now(); {
		case done == all && !shown.IsZero():
			fmt.Fprint(file, "\r\033[K")
		case now.Sub(start) > time.Second && now.Sub(shown) > 200*time.Millisecond:
			shown = now
			fmt.Fprintf(file, "\r\033[K%d of %d principals and what they can turn into", done, all)
		}
	}
}

func (f *escalateFlags) printList(s cli.Streams, ts []*technique.Technique) error {
	if f.output == "json" {
		return cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/iam-escalate-techniques/1", "techniques": ts})
	}
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTITLE")
	for _, t := range ts {
		fmt.Fprintf(w, "%s\t%s\n", cli.Visible(t.ID), cli.Visible(t.Title))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.Out, "%d techniques\n", len(ts))
	return err
}

func (f *escalateFlags) printOne(s cli.Streams, ts []*technique.Technique) error {
	t, err := findTechnique(ts, f.show)
	if err != nil {
		return err
	}
	if f.output == "json" {
		return cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/iam-escalate-technique/1", "technique": t})
	}
	fmt.Fprintf(s.Out, "%s: %s\n\n%s\n\n", cli.Visible(t.ID), cli.Visible(t.Title), cli.Visible(t.Why))
	for _, line := range t.Needs() {
		fmt.Fprintf(s.Out, "  %s\n", cli.Visible(line))
	}
	if t.Assumes != "" {
		fmt.Fprintf(s.Out, "  if %s\n", cli.Visible(t.Assumes))
	}
	fmt.Fprintf(s.Out, "\nfix: %s\n", cli.Visible(t.Fix))
	if len(t.Refs.Pathfinding) > 0 {
		fmt.Fprintf(s.Out, "pathfinding.cloud: %s\n", cli.Visible(strings.Join(t.Refs.Pathfinding, ", ")))
	}
	for _, n := range t.Refs.Rhino {
		fmt.Fprintf(s.Out, "Rhino Security Labs: %d\n", n)
	}
	_, err = fmt.Fprintf(s.Out, "%d cases in %s\n", len(t.Cases), cli.Visible(filepath.ToSlash(t.File)))
	return err
}

func (f *escalateFlags) runCases(s cli.Streams, ts, all []*technique.Technique) error {
	results := trial.Run(ts, all)
	codes := []int{}
	failed := 0
	for _, r := range results {
		if !r.OK {
			failed++
		}
	}
	if failed > 0 {
		codes = append(codes, cli.ExitFindings)
	}
	if f.output == "json" {
		if err := cli.WriteJSON(s.Out, map[string]any{"schema": "rootkeep/iam-escalate-test/1", "cases": results, "exit_codes": codes}); err != nil {
			return err
		}
		return cli.ExitWith(codes)
	}
	for _, r := range results {
		if !r.OK {
			fmt.Fprintf(s.Out, "FAIL %s: %s: got %s, want %s %s\n", cli.Visible(r.File), cli.Visible(r.Case), cli.Visible(r.Got), cli.Visible(r.Want), cli.Visible(r.Err))
		}
	}
	if _, err := fmt.Fprintf(s.Out, "%d cases of %d techniques, %d failed\n", len(results), len(ts), failed); err != nil {
		return err
	}
	return cli.ExitWith(codes)
}
