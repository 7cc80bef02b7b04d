package technique_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rootkeep/rootkeep/iam/escalate/technique"
)

const sound = `id: my-way
kind: escalation
title: A way
why: It works.
fix: Stop it.
target: self
permissions:
  - {action: iam:PutUserPolicy, on: $actor}
does: does it
effect: grant
cases:
  - {name: yes, want: certain, users: {actor: {allow: ["iam:*"]}}}
  - {name: no, want: quiet, users: {actor: {}}}
`

func TestParseRefusesWhatItCannotJudge(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"an unknown key", "does:", "doess:", "doess"},
		{"an id with a space", "id: my-way", "id: my way", "lower-case"},
		{"another kind", "kind: escalation", "kind: control", "want escalation"},
		{"no reason", "why: It works.", "why: ''", "want title"},
		{"an unknown target", "target: self", "target: moon", "want one of"},
		{"an unknown effect", "effect: grant", "effect: fly", "want one of"},
		{"an effect that the target has no use for", "effect: grant", "effect: join", "does not go with"},
		{"a list of effects", "effect: grant", "effect: [grant]", ""},
		{"a session without becoming", "target: self", "target: role\nassume: rewritten", "assume goes with"},
		{"becoming oneself", "effect: grant", "effect: become", "does not go with"},
		{"a service without a role", "target: self", "target: self\nservice: ec2.amazonaws.com", "service belongs"},
		{"an entry from inside", "target: self", "target: self\nentry: anyone", "entry belongs"},
		{"a wildcard for an action", "iam:PutUserPolicy", "iam:Put*", "want one action"},
		{"a name that nobody gave", "on: $actor", "on: $moon", "want one of"},
		{"a policy of a target that has none", "on: $actor", "on: $policy", "target self has none"},
		{"a group of a target that has none", "on: $actor", "on: $actor, context: {\"iam:PolicyARN\": $group}", "target self has none"},
		{"a resource type of another action", "on: $actor", "on: bucket", "not a resource type"},
		{"an action that the table does not know, without a resource", "iam:PutUserPolicy, on: $actor", "iam:PutMoonPolicy", "say on"},
		{"a context key that YAML cut in two", "on: $actor", "on: $actor, context: {iam:PolicyARN: x}", "in quotes"},
		{"no quiet case", "want: quiet", "want: certain", "one quiet case"},
		{"a case with an unknown outcome", "want: certain", "want: maybe", "want"},
		{"a case with a group that is not there", "users: {actor: {}}", "users: {actor: {groups: [dev]}}", "no group"},
		{"two documents", "kind: escalation", "kind: escalation\n---\nid: x", ""},
		{"an anchor", "title: A way", "title: &a A way", ""},
		{"too many alternatives", "  - {action: iam:PutUserPolicy, on: $actor}", strings.Repeat("  - any: [{action: s3:GetObject, on: \"*\"}, {action: s3:PutObject, on: \"*\"}]\n", 9), "combinations"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(sound, c.old, c.new, 1)
			if text == sound {
				t.Fatalf("%q is not in the text", c.old)
			}
			_, err := technique.Parse("my-way.yaml", []byte(text))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "my-way.yaml:") {
				t.Errorf("got %v, want an error of my-way.yaml with %q", err, c.want)
			}
		})
	}
	if _, err := technique.Parse("my-way.yaml", []byte(sound)); err != nil {
		t.Errorf("got %v, want no error", err)
	}
}

func TestLoadRefusesAnIDTwice(t *testing.T) {
	files := fstest.MapFS{"a/x.yaml": {Data: []byte(sound)}, "a/y.yml": {Data: []byte(sound)}, "a/readme.txt": {Data: []byte("text")}}
	ts, err := technique.Load(technique.Source{FS: files, Dir: "a", Name: "mine"})
	if err == nil || !strings.Contains(err.Error(), "mine/a/y.yml") || !strings.Contains(err.Error(), "already used by mine/a/x.yaml") {
		t.Errorf("got %v, want both files named", err)
	}
	if len(ts) != 1 {
		t.Errorf("got %d techniques, want the first", len(ts))
	}
}

func TestNeedsAreReadable(t *testing.T) {
	x, err := technique.Parse("my-way.yaml", []byte(strings.Replace(sound, "  - {action: iam:PutUserPolicy, on: $actor}",
		"  - {action: lambda:CreateFunction}\n  - any: [{action: lambda:InvokeFunction}, {action: lambda:AddPermission}]", 1)))
	if err != nil {
		t.Fatal(err)
	}
	const function = " on arn:$partition:lambda:*:$account:function:*"
	want := "lambda:CreateFunction" + function + "\nlambda:InvokeFunction" + function + "\nor\nlambda:CreateFunction" + function + "\nlambda:AddPermission" + function
	if got := strings.Join(x.Needs(), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sound))
	f.Add([]byte("id: a\ncases: [{trust: [{Principal: *}]}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		x, err := technique.Parse("fuzz.yaml", text)
		if err != nil {
			return
		}
		x.Needs()
		for i := range x.Cases {
			if _, err := x.Cases[i].Account(nil); err != nil {
				t.Errorf("case %q was accepted: %v", x.Cases[i].Name, err)
			}
		}
	})
}
