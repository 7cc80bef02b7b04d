package organizations

import (
	"testing"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

func TestEffectivePoliciesJoinTheLevels(t *testing.T) {
	for _, c := range []struct {
		name   string
		levels [][]string
		want   string
	}{
		{"one level", [][]string{{`{"a":{"b":{"@@assign":"x"}}}`}}, `{"a":{"b":"x"}}`},
		{"the level below assigns again", [][]string{{`{"a":{"@@assign":"x"}}`}, {`{"a":{"@@assign":"y"}}`}}, `{"a":"y"}`},
		{"a list grows", [][]string{{`{"a":{"@@assign":["x"]}}`}, {`{"a":{"@@append":["y","x"]}}`}}, `{"a":["x","y"]}`},
		{"a list shrinks", [][]string{{`{"a":{"@@assign":["x","y"]}}`}, {`{"a":{"@@remove":"x"}}`}}, `{"a":["y"]}`},
		{"what controls children is left out", [][]string{{`{"a":{"@@operators_allowed_for_child_policies":["@@none"],"b":{"@@assign":1}}}`}}, `{"a":{"b":1}}`},
		{"two branches", [][]string{{`{"a":{"b":{"@@assign":1}}}`}, {`{"a":{"c":{"@@assign":2}}}`}}, `{"a":{"b":1,"c":2}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var levels [][]cloud.Text
			for _, l := range c.levels {
				var texts []cloud.Text
				for _, p := range l {
					texts = append(texts, cloud.Text{Name: "p", Document: p})
				}
				levels = append(levels, texts)
			}
			got, found, err := effective(levels)
			if err != nil || !found || got != c.want {
				t.Errorf("got %s, %v, %v, want %s", got, found, err, c.want)
			}
		})
	}
	if _, found, err := effective(nil); found || err != nil {
		t.Errorf("no policy: got %v, %v", found, err)
	}
}
