package app

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/internal/report"
)

// deliveryTime is how long CloudTrail typically takes to deliver an event
// (CloudTrail User Guide, "How CloudTrail works").
const deliveryTime = 15 * time.Minute

// prove verifies the digest chains of the hunt's folders and says in the report
// whether the log is complete for its period. Only folders can be proven: a zip,
// a single file or standard input has no chain.
func (c HuntConfig) prove(ctx context.Context, out *report.Hunt) error {
	var all digest.Coverage
	until := c.Until
	if !until.IsZero() {
		until = until.Add(deliveryTime)
	}
	for _, path := range c.Paths {
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			out.Coverage.Detail = fmt.Sprintf("%s is no folder, so it has no digest chain to prove it by.", path)
			return nil
		}
		r, err := Verify(ctx, VerifyConfig{Folder: path, Keys: c.Keys, Since: c.Since, Until: until, Workers: c.Workers})
		if err != nil {
			return err
		}
		if n := r.Planted(); n > 0 || !r.Passed() {
			out.Coverage.Detail = fmt.Sprintf("%s holds files that are invalid, missing or that no digest names. Hint: rootkeep trail verify names them.", path)
			return nil
		}
		all = append(all, r.Coverage...)
	}
	// Coverage is by delivery, which follows an event by some fifteen minutes.
	from, to := orTime(c.Since, out.First), orTime(c.Until, out.Last).Add(deliveryTime)
	if len(all) == 0 || from.IsZero() {
		out.Coverage.Detail = "No digest file lies in the period."
		return nil
	}
	for _, r := range all {
		if !r.Proven(from, to) {
			out.Coverage.Detail = fmt.Sprintf("%s of account %s is not proven for the whole period. Hint: rootkeep trail verify tells why.", r.Region, r.Account)
			return nil
		}
	}
	for _, s := range out.Seen {
		if all.State(s.Account, s.Region, s.First) != digest.Proven {
			out.Coverage.Detail = fmt.Sprintf("%s of account %s has events that no digest covers.", s.Region, s.Account)
			return nil
		}
	}
	out.Coverage.Proven = out.Totals.Unread == 0 && !out.Interrupted
	out.Coverage.Detail = fmt.Sprintf("From %s to %s, in %s. A Region that no trail covers is not among them.", from.Format(time.RFC3339), to.Format(time.RFC3339), regionsOf(all))
	if !out.Coverage.Proven {
		out.Coverage.Detail = "The digest chain is whole, but some input was not read."
	}
	return nil
}

func orTime(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

// regionsOf names what is covered: "eu-west-1, us-east-1 of 111122223333".
func regionsOf(all digest.Coverage) string {
	by := map[rootkeep.AccountID][]string{}
	for _, r := range all {
		by[r.Account] = append(by[r.Account], string(r.Region))
	}
	var out []string
	for _, account := range slices.Sorted(maps.Keys(by)) {
		slices.Sort(by[account])
		out = append(out, fmt.Sprintf("%s of %s", strings.Join(slices.Compact(by[account]), ", "), account))
	}
	return strings.Join(out, "; ")
}
