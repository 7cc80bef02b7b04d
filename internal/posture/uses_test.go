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
		"MF-03": "alarms.metric metric_filters.pattern subscriptions.confirmed trails.log_group",
	} {
		controls := shipped(t)
		i := slices.IndexFunc(controls, func(c *posture.Control) bool { return c.ID == id })
		var got []string
		for _, p := range controls[i].Uses() {
			if p.Call == "" {
				t.Errorf("%s: %s has no call", id, p.Name)
			}
			got = append(got, p.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %s, want %s", id, strings.Join(got, " "), want)
		}
	}
}
