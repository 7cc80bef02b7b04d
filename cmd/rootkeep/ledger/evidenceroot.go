package ledger

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/proof"
)

// quarter is a quarter of a year on the command line, such as 2026Q3.
type quarter struct{ from, to time.Time }

// Set reads the text of the flag.
func (q *quarter) Set(s string) error {
	var year, n int
	if _, err := fmt.Sscanf(s, "%4dQ%1d", &year, &n); err != nil || fmt.Sprintf("%04dQ%d", year, n) != s || n < 1 || n > 4 || year < 2000 {
		return fmt.Errorf("want a year and a quarter, such as 2026Q3")
	}
	q.from = time.Date(year, time.Month(3*n-2), 1, 0, 0, 0, 0, time.UTC)
	q.to = q.from.AddDate(0, 3, 0)
	return nil
}

// String is the text of the flag.
func (q *quarter) String() string {
	if q.from.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04dQ%d", q.from.Year(), (q.from.Month()+2)/3)
}

// Type is what help calls the value.
func (q *quarter) Type() string { return "quarter" }

// rootCommand is rootkeep evidence root.
func rootCommand(s cli.Streams) *cobra.Command {
	f := bundleFlags{from: cli.Moment{Now: time.Now}, to: cli.Moment{Now: time.Now}, root: true}
	var q quarter
	c := &cobra.Command{
		Use:   "root",
		Short: "Export everything about root users in a period as one zip",
		Long: `Root writes a bundle as rootkeep evidence export does, with what its entries tell of
root users in the period: every request with the security keys that signed it, its
checklist and its record; every event with its verdict, the rule and why; sessions;
coverage of logs by account, Region and hour; cases; for which accounts it may be said
that no use lacks an explanation. All of it is told from the ledger's entries in the
bundle: rootkeep verify tells it again, judges the events again, and says what differs.

The bundle holds the entries from 31 days before the period to 31 days behind it, because
a request may be made so long before, and events, reviews and proofs of logs come behind.
The same is in it for people (root/index.html) and as OSCAL assessment results.

With --trail, a copy of a trail's bucket, AWS's signatures stand behind the events as well.

Exit codes: 0 the bundle holds all that belongs in it, and nothing in it disagrees; 5 some
of it is missing, could not be read, or disagrees with the rest.`,
		Example: `  rootkeep evidence root --quarter 2026Q3 -o root-q3.zip
  rootkeep evidence root --quarter 2026Q3 --trail ./bucket --aws-keys keys.json -o root-q3.zip
  rootkeep verify root-q3.zip --key keys.txt --aws-keys keys.json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !q.from.IsZero() {
				if !f.from.IsZero() || !f.to.IsZero() {
					return cli.Usage("--quarter goes without --from and --to")
				}
				f.from.Time, f.to.Time = q.from, q.to
			}
			return f.run(c.Context(), s, "--quarter 2026Q3")
		},
	}
	f.flags(c)
	c.Flags().Var(&q, "quarter", "quarter of a year (UTC), such as 2026Q3")
	return c
}

// writeRoot tells what a bundle tells of root users.
func writeRoot(b *strings.Builder, t *proof.RootTold) {
	fmt.Fprintf(b, "root users from %s to %s, as of %s: %d requests, %d cases, ", t.From.Format(time.RFC3339), t.To.Format(time.RFC3339), t.AsOf.Format(time.RFC3339), t.Requests, t.Cases)
	var parts []string
	for _, v := range rootkeep.Verdicts() {
		if n := t.Verdicts[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	if len(parts) == 0 {
		parts = []string{"no event"}
	}
	fmt.Fprintf(b, "%s\n", strings.Join(parts, ", "))
	fmt.Fprintf(b, "no use without an explanation: claimed for %d of %d accounts\n", t.Claims, t.Accounts)
	for _, n := range []struct {
		n    int
		text string
	}{
		{t.Gaps, "entries do not tell what they ought to"}, {t.Differs, "verdicts do not follow from the entries in the bundle"},
		{t.Lost, "events have no record in the bundle"}, {t.Unlike, "records tell another event than the ledger"},
	} {
		if n.n > 0 {
			fmt.Fprintf(b, "%d %s\n", n.n, n.text)
		}
	}
}
