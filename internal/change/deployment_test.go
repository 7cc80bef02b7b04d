package change_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/rule"
)

const smallDeployment = `id: small
kind: deployment
title: Something small
why: Because.
source: none
options:
  names: {about: names, type: texts, default: [one, two]}
  others: {about: accounts, type: texts, default: []}
stages:
  - title: all of it
    steps:
      - change: paint
        each: parameters.names
        when: item != 'none'
        accounts: "[account] + parameters.others"
        with: "{'name': item + '-' + account}"
cases:
  - {name: usual, account: "111122223333", region: eu-west-3, stages: [[paint 111122223333, paint 111122223333]]}
`

// found is a kind with one parameter.
func found(id string) *change.Kind {
	if id != "paint" {
		return nil
	}
	return &change.Kind{ID: id, Parameters: map[string]change.Parameter{"name": {About: "a name", Type: "text", Required: true}}}
}

func loadDeployment(text string) ([]*change.Deployment, []error) {
	return change.LoadDeployments(found, rule.Source{FS: fstest.MapFS{"small.yaml": {Data: []byte(text)}}, Dir: "."})
}

func TestDeploymentsThatAreNone(t *testing.T) {
	for _, c := range []struct{ name, old, new, says string }{
		{"another id than its file", "id: small", "id: large", "want the same"},
		{"another kind of file", "kind: deployment", "kind: change", "want deployment"},
		{"no reason", "why: Because.", "why: ''", "title, why and source"},
		{"a kind that does not exist", "change: paint", "change: plough", `no kind of change "plough"`},
		{"a key that is not known", "title: all of it", "title: all of it\n    colour: red", "colour"},
		{"an expression that is none", "each: parameters.names", "each: parameters.", "small.yaml:13"},
		{"an answer, which a deployment has not", "each: parameters.names", "each: wants.names", "wants"},
		{"a default of another type", "default: [one, two]", "default: 5", "default of parameter names"},
		{"stages without steps", "steps:\n      - change: paint\n        each: parameters.names\n        when: item != 'none'\n        accounts: \"[account] + parameters.others\"\n        with: \"{'name': item + '-' + account}\"", "steps: []", "a title and steps"},
		{"no cases", "cases:\n  - {name: usual, account: \"111122223333\", region: eu-west-3, stages: [[paint 111122223333, paint 111122223333]]}", "", "no cases"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(smallDeployment, c.old, c.new, 1)
			if text == smallDeployment {
				t.Fatal("nothing was replaced")
			}
			all, problems := loadDeployment(text)
			if len(all) > 0 || len(problems) != 1 || !strings.Contains(problems[0].Error(), c.says) {
				t.Errorf("got %d deployments and %v, want an error with %q", len(all), problems, c.says)
			}
		})
	}
}

func TestAStageIsWhatItsOptionsSay(t *testing.T) {
	all, problems := loadDeployment(smallDeployment)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	d := all[0]
	if err := d.Try(&d.Cases[0], found); err != nil {
		t.Error(err)
	}
	many := make([]any, 600)
	for i := range many {
		many[i] = fmt.Sprint("n", i)
	}
	for _, c := range []struct {
		name  string
		stage int
		with  map[string]any
		want  string // the changes, or part of why not
	}{
		{"each item in each account", 1, map[string]any{"names": "a,none,b", "others": "222233334444"}, "a-111122223333 a-222233334444 b-111122223333 b-222233334444"},
		{"no item", 1, map[string]any{"names": ""}, ""},
		{"an account that is none", 1, map[string]any{"others": []any{"12"}}, "12"},
		{"an option that is none", 1, map[string]any{"colour": "red"}, `no parameter "colour"`},
		{"more than a batch takes", 1, map[string]any{"names": many}, "more than 500 changes"},
		{"a stage that is none", 2, nil, "stage 2: small has 1"},
		{"a stage before the first", 0, nil, "stage 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := d.Stage(c.stage, change.Target{Account: "111122223333", Region: "eu-west-3", Partition: "aws"}, c.with, found)
			if err != nil {
				if c.want == "" || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				return
			}
			var got []string
			for _, w := range list {
				got = append(got, w.Parameters["name"].(string))
				if w.Kind != "paint" || w.Region != "eu-west-3" || !strings.HasSuffix(w.Parameters["name"].(string), string(w.Account)) {
					t.Errorf("got %+v", w)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
