package cost

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/facts"
)

// Count is what the facts of accounts tell of quantities.
type Count struct {
	accounts, regions, copies, rules, devices   int64
	noRegions, noTrails, noRules, noDevices     int64 // accounts of which it was not read
	unread                                      int64 // accounts without facts
	dataTrails                                  int64 // accounts whose trails record data events
	recording, hubs, detectors                  int64 // Regions of accounts where it is on
	noRecording, noHubs, noDetectors, elsewhere int64
	priced                                      []string
}

// NewCount counts for a table, whose Regions it tells from others.
func NewCount(t *Table) *Count { return &Count{priced: t.Regions} }

// Missing counts an account without facts.
func (c *Count) Missing() { c.unread++ }

// Add counts one account.
func (c *Count) Add(s *facts.Snapshot) {
	c.accounts++
	known := knownOf(s)
	if !known("regions.name") {
		c.noRegions++
	}
	f := &s.Facts
	c.regions += int64(len(f.Regions))
	for _, r := range f.Regions {
		if !slices.Contains(c.priced, r.Name) {
			c.elsewhere++
		}
		c.recording += one(slices.ContainsFunc(r.RecorderStates, func(s facts.RecorderState) bool { return s.Recording }))
		c.hubs += one(r.Hub.Enabled)
		c.detectors += one(r.Detector.Status == "ENABLED")
		c.rules += int64(len(r.ConfigRules.Managed) + len(r.ConfigRules.Own))
	}
	c.noRecording += one(!known("regions.recorder_states"))
	c.noHubs += one(!known("regions.hub"))
	c.noDetectors += one(!known("regions.detector") || !known("regions.detectors"))
	c.noRules += one(!known("regions.config_rules"))
	c.addTrails(f, known)
	c.addDevices(&f.Root, known)
}

func one(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// knownOf says of which facts all was read.
func knownOf(s *facts.Snapshot) func(path string) bool {
	unknown := map[string]bool{}
	for _, g := range s.Unknown() {
		unknown[g.Path] = true
	}
	for _, g := range s.Gaps {
		unknown[g.Path] = true // of single Regions as well
	}
	return func(path string) bool {
		branch, _, _ := strings.Cut(path, ".")
		return !unknown[path] && !unknown[branch]
	}
}

// addTrails counts, for each Region, the trails beyond the first that record management
// events there.
func (c *Count) addTrails(f *facts.Facts, known func(string) bool) {
	if !known("trails.selectors") || !known("trails.multi_region") || !known("regions.name") {
		c.noTrails++
		return
	}
	records := func(t *facts.Trail, category string) bool {
		return t.Logging && slices.ContainsFunc(t.Selectors, func(s facts.Selector) bool { return s.Category == category })
	}
	data := false
	for _, r := range f.Regions {
		var here int64
		for i := range f.Trails {
			t := &f.Trails[i]
			here += one(records(t, "Management") && (t.MultiRegion || t.Region == r.Name))
			data = data || records(t, "Data")
		}
		c.copies += max(here-1, 0)
	}
	c.dataTrails += one(data)
}

// wantDevices is how many phishing-resistant devices a root user with credentials has.
const wantDevices = 2

// addDevices counts the devices that root users lack. One without credentials needs none.
func (c *Count) addDevices(root *facts.Root, known func(string) bool) {
	if !known("root.has_password") || !known("root.has_access_keys") {
		c.noDevices++
		return
	}
	if !root.HasPassword && !root.HasAccessKeys {
		return
	}
	if !known("root.devices") {
		c.noDevices++
		return
	}
	var has int64
	for _, d := range root.Devices {
		has += one(d.Kind == facts.FIDO)
	}
	c.devices += max(wantDevices-has, 0)
}

// Into puts what was counted into quantities, which follow usual numbers where an account
// was not read.
func (c *Count) Into(all Quantities, regions int64) error {
	total := c.accounts + c.unread
	set := func(id string, counted, missing, usual int64, what string) error {
		missing += c.unread
		if missing == 0 {
			return all.Set(id, counted, Counted, "")
		}
		return all.Set(id, counted+missing*usual, Assumed, fmt.Sprintf("counted in %d of %d accounts; %s in each of the others", total-missing, total, what))
	}
	err := all.Set("accounts", total, Counted, "")
	if err == nil {
		err = set("account_regions", c.regions, c.noRegions, regions, fmt.Sprintf("%d", regions))
	}
	if err == nil {
		err = set("trail_copies", c.copies, c.noTrails, 0, "none")
	}
	if err == nil {
		err = set("mfa_devices", c.devices, c.noDevices, wantDevices, fmt.Sprintf("%d", wantDevices))
	}
	return err
}

// Unknown are the lines of which there is something and nobody can tell how much.
func (c *Count) Unknown() map[string]string {
	if c.dataTrails == 0 {
		return nil
	}
	return map[string]string{"cloudtrail-data": fmt.Sprintf("trails of %d accounts record data events, and no fact tells how many; hint: --assume data_events=N", c.dataTrails)}
}

// InPlace says what of the stack is there already, in words, by part.
func (c *Count) InPlace() map[string]string {
	out := map[string]string{}
	for _, s := range []struct {
		part        string
		on, missing int64
	}{{"config", c.recording, c.noRecording}, {"securityhub", c.hubs, c.noHubs}, {"guardduty", c.detectors, c.noDetectors}} {
		out[s.part] = fmt.Sprintf("on in %d of %d Regions of accounts", s.on, c.regions)
		if missing := s.missing + c.unread; missing > 0 {
			out[s.part] += fmt.Sprintf(", not read in %d of %d accounts", missing, c.accounts+c.unread)
		}
	}
	if c.noRules+c.unread == 0 {
		out["config"] += fmt.Sprintf("; %d rules", c.rules)
	}
	return out
}

// Elsewhere is how many Regions of accounts are where the table's prices do not hold.
func (c *Count) Elsewhere() int64 { return c.elsewhere }
