package posture_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/posture"
)

func TestShippedControlsSayHowMuchWorkTheFixIsAndLeaveMapsToFrameworks(t *testing.T) {
	for _, c := range shipped(t) {
		if c.Fix.Effort == "" {
			t.Errorf("%s: no fix.effort, want minutes, hours or days", c.ID)
		}
		if len(c.Maps) > 0 {
			t.Errorf("%s: has maps, want them in content/frameworks with their basis", c.ID)
		}
	}
}

func TestUsesAreTheFactsThatDecide(t *testing.T) {
	for id, want := range map[string]string{
		"RT-01": "root.has_access_keys root.has_certificates root.has_password root.mfa_enabled",
		"IU-08": "users.access_keys users.arn",
		"MF-03": "alarms.metric composite_alarms.rule event_rules.pattern log_alarms.query metric_filters.pattern subscriptions.confirmed topics.policy trails.log_group trails.logging trails.selectors",
	} {
		if got := strings.Join(uses(t, id), " "); got != want {
			t.Errorf("%s: got %s, want %s", id, got, want)
		}
	}
}

// uses are the facts of a shipped control, by path.
func uses(t *testing.T, id string) []string {
	t.Helper()
	controls := shipped(t)
	i := slices.IndexFunc(controls, func(c *posture.Control) bool { return c.ID == id })
	var out []string
	for _, p := range controls[i].Uses() {
		if p.Call == "" {
			t.Errorf("%s: %s has no call", id, p.Name)
		}
		out = append(out, p.Name)
	}
	return out
}

func TestEveryShippedControlUsesFacts(t *testing.T) {
	for _, c := range shipped(t) {
		if len(c.Uses()) == 0 {
			t.Errorf("%s: got no facts, want those that decide", c.ID)
		}
	}
}
