package app

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/internal/report"
)

// prove verifies the digest chains of the hunt's folders and says in the report
// whether the log is complete for its period. Only folders can be proven: a zip,
// a single file or standard input has no chain.
func (c HuntConfig) prove(ctx context.Context, out *report.Hunt) error {
	var all digest.Coverage
	for _, path := range c.Paths {
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			out.Coverage.Detail = fmt.Sprintf("%s is no folder, so it has no digest chain to prove it by.", path)
			return nil
		}
		r, err := Verify(ctx, VerifyConfig{Folder: path, Keys: c.Keys, Since: c.Since, Until: c.Until, Workers: c.Workers})
		if err != nil {
			return err
		}
		all = append(all, r.Coverage...)
	}
	from, to := orTime(c.Since, out.First), orTime(c.Until, out.Last)
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
	out.Coverage.Proven = len(out.Problems) == 0 && !out.Interrupted
	out.Coverage.Detail = fmt.Sprintf("From %s to %s, in %d account-Regions.", from.Format(time.RFC3339), to.Format(time.RFC3339), len(all))
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
