package cost_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/cost"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// account has two Regions, a trail of all and one of eu-west-1, and a root user with a
// password and one security key.
func account() *facts.Snapshot {
	management := []facts.Selector{{Category: "Management", Reads: true, Writes: true}}
	s := &facts.Snapshot{Format: facts.Format, Account: "111122223333"}
	s.Facts.Regions = []facts.Region{{Name: "us-east-1", Hub: facts.Hub{Enabled: true}}, {Name: "eu-west-1"}}
	s.Facts.Trails = []facts.Trail{
		{ARN: "a", Region: "us-east-1", MultiRegion: true, Logging: true, Selectors: management},
		{ARN: "b", Region: "eu-west-1", Logging: true, Selectors: management},
	}
	s.Facts.Root = facts.Root{HasPassword: true, Devices: []facts.Device{{Kind: facts.FIDO}, {Kind: facts.Virtual}}}
	s.Observe("test", time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC), "", "regions", "trails", "root")
	return s
}

func count(t *testing.T, missing int, list ...*facts.Snapshot) map[string]cost.Quantity {
	t.Helper()
	c := cost.NewCount(shipped(t))
	for _, s := range list {
		c.Add(s)
	}
	for range missing {
		c.Missing()
	}
	all := cost.Usual()
	if err := c.Into(all, 17); err != nil {
		t.Fatal(err)
	}
	all.Follow(17)
	out := map[string]cost.Quantity{}
	for _, q := range all {
		out[q.ID] = q
	}
	return out
}

func TestWhatFactsTell(t *testing.T) {
	with := func(change func(*facts.Snapshot)) *facts.Snapshot {
		s := account()
		change(s)
		return s
	}
	for _, c := range []struct {
		name     string
		snapshot *facts.Snapshot
		missing  int
		want     string // accounts, account_regions, trail_copies, mfa_devices
	}{
		{"one account", account(), 0, "1 counted, 2 counted, 1 counted, 1 counted"},
		{"and one that was not read", account(), 1, "2 counted, 19 assumed, 1 assumed, 3 assumed"},
		{"root without credentials", with(func(s *facts.Snapshot) { s.Facts.Root.HasPassword = false }), 0, "1 counted, 2 counted, 1 counted, 0 counted"},
		{"root devices denied", with(func(s *facts.Snapshot) { s.Gaps = []facts.Gap{{Path: "root.devices", Reason: "denied"}} }), 0, "1 counted, 2 counted, 1 counted, 2 assumed"},
		{"Regions denied", with(func(s *facts.Snapshot) {
			s.Facts.Regions = nil
			s.Gaps = []facts.Gap{{Path: "regions", Reason: "denied"}}
		}), 0, "1 counted, 17 assumed, 0 assumed, 1 counted"},
		{"the second trail does not log", with(func(s *facts.Snapshot) { s.Facts.Trails[1].Logging = false }), 0, "1 counted, 2 counted, 0 counted, 1 counted"},
		{"the second trail is of all Regions too", with(func(s *facts.Snapshot) { s.Facts.Trails[1].MultiRegion = true }), 0, "1 counted, 2 counted, 2 counted, 1 counted"},
		{"the second trail is of data events alone", with(func(s *facts.Snapshot) { s.Facts.Trails[1].Selectors = []facts.Selector{{Category: "Data"}} }), 0, "1 counted, 2 counted, 0 counted, 1 counted"},
		{"selectors of one trail denied", with(func(s *facts.Snapshot) {
			s.Gaps = []facts.Gap{{Path: "trails.selectors", Resource: "b", Reason: "denied"}}
		}), 0, "1 counted, 2 counted, 0 assumed, 1 counted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := count(t, c.missing, c.snapshot)
			var parts []string
			for _, id := range []string{"accounts", "account_regions", "trail_copies", "mfa_devices"} {
				parts = append(parts, fmt.Sprintf("%d %s", got[id].Value, got[id].Basis))
			}
			if told := strings.Join(parts, ", "); told != c.want {
				t.Errorf("got %s, want %s", told, c.want)
			}
		})
	}
}

func TestDataEventsThatNobodyCountsAreUnknown(t *testing.T) {
	c := cost.NewCount(shipped(t))
	s := account()
	c.Add(s)
	if got := c.Unknown(); len(got) > 0 {
		t.Errorf("without data events: got %v", got)
	}
	s.Facts.Trails[0].Selectors = append(s.Facts.Trails[0].Selectors, facts.Selector{Category: "Data", Reads: true})
	c.Add(s)
	if got := c.Unknown()["cloudtrail-data"]; !strings.Contains(got, "1 account") {
		t.Errorf("with data events: got %q", got)
	}
}

func TestWhatIsThereAlready(t *testing.T) {
	c := cost.NewCount(shipped(t))
	c.Add(account())
	c.Missing()
	if got, want := c.InPlace()["securityhub"], "on in 1 of 2 Regions of accounts, not read in 1 of 2 accounts"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if c.Elsewhere() != 1 {
		t.Errorf("Regions without prices: got %d, want 1", c.Elsewhere())
	}
}
