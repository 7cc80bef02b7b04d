package cases

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/rule"
)

func TestEachGivesOneEventForEachValue(t *testing.T) {
	bases := rule.Bases{"read": {"eventName": "GetSecretValue", "requestParameters": map[string]any{"secretId": "none", "versionStage": "AWSCURRENT"}}}
	c := Case{Events: []Step{{Patch: rule.Patch{Base: "read"}, Each: map[string][]any{"requestParameters.secretId": {"one", "two"}}}}}
	text, err := c.input(bases)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Records []struct{ RequestParameters map[string]string }
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	var read []map[string]string
	for _, r := range got.Records {
		read = append(read, r.RequestParameters)
	}
	want := []map[string]string{{"secretId": "one", "versionStage": "AWSCURRENT"}, {"secretId": "two", "versionStage": "AWSCURRENT"}}
	if diff := cmp.Diff(want, read); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for name, s := range map[string]Step{
		"times as well": {Times: 2, Each: map[string][]any{"eventName": {"A"}}},
		"two paths":     {Each: map[string][]any{"eventName": {"A"}, "eventSource": {"B"}}},
	} {
		s.Base = "read"
		c := Case{Events: []Step{s}}
		if text, err := c.input(bases); err == nil {
			t.Errorf("%s: got %s, want an error", name, text)
		}
	}
}
