package change_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/change"
)

// TestAPlanLeavesItsPlaceNot has kinds call where nobody who approves would look.
func TestAPlanLeavesItsPlaceNot(t *testing.T) {
	for name, tt := range map[string]struct{ at, want string }{
		"another account":                {"account: parameters.text", "neither that account nor the management account"},
		"a host instead of a Region":     {"region: parameters.text", `region "evil.example/#": want a code`},
		"a Region that an answer names":  {"region: \"answer('make', 'Thing.ID')\"", "want a code"},
		"an account that an answer says": {"account: \"answer('make', 'Thing.ID')\"", "want 12 digits"},
	} {
		t.Run(name, func(t *testing.T) {
			text := "evil.example/#"
			if name == "another account" {
				text = "444455556666"
			}
			k := load(t, strings.Replace(two, "    about: \"'writes the label'\"", "    at: {"+tt.at+"}", 1))
			_, err := k.Plan(t.Context(), newShelf(), "CH-1", target, map[string]any{"text": text}, start)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	for _, region := range []string{"", "us-east-1.evil.example", "us-east-1#", "US-EAST-1", "us--1", "a-b-c"} {
		away := target
		away.Region = region
		if _, err := load(t, two).Plan(t.Context(), newShelf(), "CH-1", away, nil, start); err == nil {
			t.Errorf("planned in the Region %q", region)
		}
	}
}

// TestOneResourceOfTwoAccounts has a change of a member hold what it is about in the
// management account too, where it calls.
func TestOneResourceOfTwoAccounts(t *testing.T) {
	k := load(t, strings.Replace(two, "    about: \"'writes the label'\"", "    at: {account: management}", 1))
	member := target
	member.Management = "999999999999"
	p, err := k.Plan(t.Context(), newShelf(), "CH-1", member, nil, start)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"111122223333/shelf/label", "999999999999/shelf/label"}; !slices.Equal(p.Resources, want) {
		t.Errorf("got %v, want %v", p.Resources, want)
	}
}

// TestAnAnswerDoesWhatThePlanShows has the call of a kind come out another one once AWS
// has answered: it is not made.
func TestAnAnswerDoesWhatThePlanShows(t *testing.T) {
	text := strings.Replace(two, `'Text': 'see ' + answer('make', 'Thing.ID')}"`, `'Text': answer('make', 'Thing.ID').startsWith('<') ? 'harmless' : 'harm'}"`, 1)
	r := &runner{t: t, kind: load(t, text), shelf: newShelf()}
	p := r.plan(nil)
	out, err := r.apply(p, false)
	if err != nil || out.State != change.Stopped || out.Calls != 1 || out.Doubt || !strings.Contains(out.Why, "not the call that the plan shows") {
		t.Errorf("got %+v, %v", out, err)
	}
	if _, there := r.shelf.things["label"]; there {
		t.Errorf("wrote %q", r.shelf.things["label"])
	}
}

func TestWhatAKindMayNotDo(t *testing.T) {
	making := "    call: shelf:CreateThing\n"
	for name, tt := range map[string]struct{ old, new, want string }{
		"a root session of another class": {making, making + "    at: {root: IAMDeleteRootUserCredentials}\n", "root sessions are for the class root alone"},
		"a call as often as AWS answers":  {"    about: \"'writes the label'\"", "    each: \"[answer('make', 'Thing.ID')]\"", "an answer is not there yet"},
		"a call if AWS answers":           {"    about: \"'writes the label'\"", "    when: answer('make', 'Thing.ID') != 'T1'", "an answer is not there yet"},
		"an answer that is a secret":      {"answer('make', 'Thing.ID')}", "answer('make', 'Key.SecretAccessKey')}", "a secret, and answers are kept"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(two, tt.old) {
				t.Fatalf("the kind has no %q", tt.old)
			}
			_, problems := loadAll(strings.Replace(two, tt.old, tt.new, 1))
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), tt.want) {
				t.Errorf("got %v, want %q", problems, tt.want)
			}
		})
	}
	reading := strings.Replace(two, "class: logging", "class: root", 1)
	for _, task := range []string{"IAMCreateRootUserPassword", "S3UnlockBucketPolicy"} {
		reading := strings.Replace(reading, `{id: label, call: "shelf:GetThing"`, `{id: label, at: {root: `+task+`}, call: "shelf:GetThing"`, 1)
		if _, problems := loadAll(reading); len(problems) != 1 || !strings.Contains(problems[0].Error(), "a read in a session for "+task) {
			t.Errorf("got %v", problems)
		}
	}
	secret := load(t, strings.Replace(two, "{'Name': 'first', 'Text': parameters.text}", "{'Name': 'first', 'Text': 'x', 'Login': [{'Password': parameters.text}]}", 1))
	if _, err := secret.Plan(t.Context(), newShelf(), "CH-1", target, nil, start); err == nil || !strings.Contains(err.Error(), "Password is a secret") {
		t.Errorf("got %v", err)
	}
}
