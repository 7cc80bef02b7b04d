package exchange

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
)

func TestAlertsOfAServerFollowTheSchemaAndSayWhereTheyStand(t *testing.T) {
	var list []Standing
	states := []string{"new", "acknowledged", "snoozed", "closed"}
	for i, a := range append(story().Alerts, hostile().Alerts...) {
		list = append(list, Standing{a, states[i%len(states)]})
	}
	list[0].Kind, list[0].Rules = "finding", []rootkeep.RuleHit{{Name: "guardduty/Policy:IAMUser/RootCredentialUsage", Author: "Amazon GuardDuty"}}
	var out bytes.Buffer
	if err := AlertsOCSF(&out, list, "0.1.0", night); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range bytes.Lines(out.Bytes()) {
		conforms(t, "testdata/ocsf.schema.json", line)
		var f ocsfFinding
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(f.ActivityName, " ", f.TypeUID, " ", f.Status, " ", f.Info.DataSources))
	}
	want := []string{"Create 200401 New [Amazon GuardDuty]", "Create 200401 In Progress [AWS CloudTrail]", "Create 200401 In Progress [AWS CloudTrail]", "Close 200403 Resolved [AWS CloudTrail]"}
	if diff := cmp.Diff(want, got[:4]); diff != "" || len(got) != len(list) {
		t.Errorf("%d of %d (-want +got):\n%s", len(got), len(list), diff)
	}
	if err := AlertsOCSF(&out, []Standing{{list[0].Alert, "gone"}}, "0.1.0", night); err == nil {
		t.Error("a state that is none is written")
	}
}
