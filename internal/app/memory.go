package app

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/internal/detect/rootuse"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
)

// Memory is what a server remembers of a hunt beside its report.
type Memory struct {
	rootuse.Found
	// Proven are the whole hours of each account of which the log is complete and was
	// read to the end: what Found says of them is all that there was.
	Proven []Stretch
}

// Stretch is a run of hours of one account, from From up to but not including To.
type Stretch struct {
	Account  rootkeep.AccountID
	From, To time.Time
}

// remember fills the memory once the hunt is over.
func (c HuntConfig) remember(uses *rootuse.Collector, p *proof, out *report.Hunt) {
	if c.Memory == nil {
		return
	}
	c.Memory.Found = uses.Found()
	if left := c.Memory.Omitted.String(); left != "" {
		out.Notices = append(out.Notices, "not sent with the hunt: "+left)
		return // what was left out may lie in any hour
	}
	if p == nil || out.Interrupted {
		return
	}
	c.Memory.Proven = slices.DeleteFunc(provenHours(p.covered, out.Seen), func(s Stretch) bool {
		return len(c.Accounts) > 0 && !slices.Contains(c.Accounts, s.Account)
	})
}

// Upload is a hunt as it is sent to a server.
func Upload(h *report.Hunt, m *Memory) (*client.HuntUpload, error) {
	if n := len(h.Alerts); n > hunts.MostAlerts {
		return nil, fmt.Errorf("send the hunt: %d alerts, a server takes %d; hint: --min-level, --since or --account", n, hunts.MostAlerts)
	}
	var text bytes.Buffer
	if err := report.JSON(&text, h); err != nil {
		return nil, err
	}
	up := &client.HuntUpload{Schema: client.HuntUploadSchema, Hunt: text.Bytes(), RootUses: m.Uses, SignIns: m.SignIns, Proven: []client.ProvenHours{}}
	for _, s := range m.Proven {
		up.Proven = append(up.Proven, client.ProvenHours(s))
	}
	return up, nil
}

// provenHours are the hours of each account that are proven in every Region in which it
// has digests, the one that logs global services among them: root signs in there. The
// log of an hour is delivered by some minutes after it (see deliveryTime), so these must
// be proven as well. An account with events of a Region that has none is left out.
func provenHours(all digest.Coverage, seen []report.Seen) []Stretch {
	by := map[rootkeep.AccountID][]digest.RegionCoverage{}
	for _, r := range all {
		by[r.Account] = append(by[r.Account], r)
	}
	for _, s := range seen {
		if !slices.ContainsFunc(by[s.Account], func(r digest.RegionCoverage) bool { return r.Region == s.Region }) {
			delete(by, s.Account)
		}
	}
	var out []Stretch
	for _, account := range slices.Sorted(maps.Keys(by)) {
		regions := by[account]
		if !slices.ContainsFunc(regions, func(r digest.RegionCoverage) bool { return logsGlobal(r.Region) }) {
			continue
		}
		common := provenIn(regions[0])
		for _, r := range regions[1:] {
			common = intersect(common, provenIn(r))
		}
		for _, s := range common {
			s = Stretch{account, s.From.Add(time.Hour - 1).Truncate(time.Hour), s.To.Add(-deliveryTime).Truncate(time.Hour)}
			if s.From.Before(s.To) {
				out = append(out, s)
			}
		}
	}
	return out
}

// logsGlobal says whether a partition logs the events of global services in the Region
// (CloudTrail User Guide, "Global service events").
func logsGlobal(r rootkeep.Region) bool {
	return r == "us-east-1" || r == "us-gov-west-1" || strings.HasPrefix(string(r), "cn-north-")
}

// provenIn are the proven spans of a Region, joined where they touch.
func provenIn(r digest.RegionCoverage) []Stretch {
	var out []Stretch
	for _, s := range r.Spans {
		switch n := len(out); {
		case s.State != digest.Proven:
		case n > 0 && out[n-1].To.Equal(s.From):
			out[n-1].To = s.To
		default:
			out = append(out, Stretch{From: s.From, To: s.To})
		}
	}
	return out
}

// intersect is what two sorted lists of stretches have in common.
func intersect(a, b []Stretch) []Stretch {
	var out []Stretch
	for len(a) > 0 && len(b) > 0 {
		from, to := later(a[0].From, b[0].From), b[0].To
		if a[0].To.Before(to) {
			to = a[0].To
		}
		if from.Before(to) {
			out = append(out, Stretch{From: from, To: to})
		}
		if cmp.Compare(a[0].To.UnixNano(), b[0].To.UnixNano()) <= 0 {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
