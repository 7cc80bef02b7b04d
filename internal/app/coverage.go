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

// proof verifies the digest chains of the hunt's folders, to say whether the log is
// complete for its period. The hunt hashes the logs as it reads them, so that this
// does not read them again.
type proof struct {
	config HuntConfig
	keys   digest.Keys
	cannot string // why nothing can be proven, "" if it can
	sums   *sums  // nil if nothing can be proven
	// covered is what intact chains prove and the hunt has read all of; nil if anything
	// speaks against that, in whichever account.
	covered digest.Coverage
}

// proof is what the hunt is asked to prove: nil without keys. Only folders can be
// proven: a zip, a single file or standard input has no chain.
func (c HuntConfig) proof() (*proof, error) {
	if len(c.Keys) == 0 {
		return nil, nil
	}
	keys, err := readKeys(c.Keys)
	if err != nil {
		return nil, err
	}
	for _, path := range c.Paths {
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			return &proof{config: c, cannot: fmt.Sprintf("%s is no folder, so it has no digest chain to prove it by.", path)}, nil
		}
	}
	return &proof{config: c, keys: keys, sums: newSums(maxSums)}, nil
}

// conclude writes into the report what is proven. That the verification fails does
// not cost what the hunt has found.
func (p *proof) conclude(ctx context.Context, out *report.Hunt) {
	if p.cannot != "" {
		out.Coverage = unproven("%s", p.cannot)
		return
	}
	all, again, why := p.chains(ctx)
	if why != "" {
		out.Interrupted = out.Interrupted || ctx.Err() != nil
		out.Coverage = unproven("%s", why)
		return
	}
	out.Coverage = p.config.claim(all, out)
	if again {
		// Logs that only the verification has read may hold what the hunt would have found.
		if out.Coverage.Proven {
			out.Coverage = unproven("The digest chain is whole, but log files came or changed while the hunt was reading. Hint: hunt again.")
		}
		return
	}
	if out.Totals.Unread == 0 {
		p.covered = all
	}
}

// chains verifies the digest chains of all folders. It says whether the verification read
// logs that the reading before it had not, or why nothing is proven.
func (p *proof) chains(ctx context.Context) (all digest.Coverage, again bool, why string) {
	var progress digest.Progress
	for _, path := range p.config.Paths {
		r, err := p.verify(ctx, path, &progress)
		switch {
		case ctx.Err() != nil:
			return nil, false, "The digest chain was not verified to its end."
		case err != nil:
			return nil, false, fmt.Sprintf("%s could not be verified: %v", path, err)
		case r.Planted() > 0 || !r.Passed():
			return nil, false, fmt.Sprintf("%s holds files that are invalid, missing or that no digest names. Hint: rootkeep trail verify names them.", path)
		}
		all = append(all, r.Coverage...)
	}
	return all, progress.Inflated.Load() > 0 && p.sums.complete(), ""
}

// verify judges the digest chains of one folder, as trail verify does. The progress
// counts the logs that it reads itself.
func (p *proof) verify(ctx context.Context, folder string, again *digest.Progress) (*digest.Report, error) {
	opt := p.options(folder)
	opt.Progress = again
	return digest.Verify(ctx, os.DirFS(folder), opt)
}

func (p *proof) options(folder string) digest.Options {
	until := p.config.Until
	if !until.IsZero() {
		until = until.Add(deliveryTime)
	}
	return digest.Options{Keys: p.keys, Since: p.config.Since, Until: until, Workers: p.config.Workers, Sum: p.sums.below(folder)}
}

// claim is what the coverage of intact chains says about the period and the events
// of the hunt.
func (c HuntConfig) claim(all digest.Coverage, out *report.Hunt) report.Coverage {
	// Coverage is by delivery, which follows an event by some fifteen minutes.
	from, to := orTime(c.Since, out.First), orTime(c.Until, out.Last).Add(deliveryTime)
	if len(all) == 0 || from.IsZero() {
		return unproven("No digest file lies in the period.")
	}
	for _, r := range all {
		if !r.Proven(from, to) {
			return unproven("%s of account %s is not proven for the whole period. Hint: rootkeep trail verify tells why.", r.Region, r.Account)
		}
	}
	for _, s := range out.Seen {
		if all.State(s.Account, s.Region, s.First) != digest.Proven {
			return unproven("%s of account %s has events that no digest covers.", s.Region, s.Account)
		}
	}
	if out.Totals.Unread > 0 {
		return unproven("The digest chain is whole, but some input was not read.")
	}
	return report.Coverage{Proven: true, Detail: fmt.Sprintf("From %s to %s, in %s. A Region that no trail covers is not among them.",
		from.Format(time.RFC3339), to.Format(time.RFC3339), regionsOf(all))}
}

func unproven(format string, args ...any) report.Coverage {
	return report.Coverage{Detail: fmt.Sprintf(format, args...)}
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
