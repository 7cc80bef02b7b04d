package change_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/change"
)

// one is a kind whose only call does the same when it is made twice: nothing asks whether
// it was made.
const one = `id: one-thing
kind: change
title: Write one thing and then another
why: A test.
class: logging
risk: low
breaks: Nothing.
source: none
resource: "'shelf/first'"
reads:
  - {id: first, call: "shelf:GetThing", with: "{'Name': 'first'}", none: [NoSuchThing], keep: "{'text': got.Thing.Text}"}
  - {id: other, call: "shelf:GetThing", with: "{'Name': 'other'}", none: [NoSuchThing], keep: "{'text': got.Thing.Text}"}
wants: {first: "{'text': 'new'}", other: "{'text': 'new'}"}
calls:
  - {id: first, call: "shelf:PutThing", with: "{'Name': 'first', 'Text': 'new'}", undo: [{call: "shelf:PutThing", with: "{'Name': 'first', 'Text': prior.first.text}"}]}
  - {id: other, call: "shelf:PutThing", with: "{'Name': 'other', 'Text': 'new'}", undo: [{call: "shelf:PutThing", with: "{'Name': 'other', 'Text': prior.other.text}"}]}
permissions: ["shelf:PutThing"]
cases:
  - {name: one, want: applied}
`

func TestADoubtfulFirstCallIsComparedBeforeItIsRepeated(t *testing.T) {
	for _, c := range []struct {
		name string
		now  map[string]string // what is there when it is gone on with
		want change.State
		says string
	}{
		{"it was not made, and nothing changed", map[string]string{"first": "old", "other": "old"}, change.Applied, ""},
		{"it was made", map[string]string{"first": "new", "other": "old"}, change.Applied, ""},
		{"all is as wanted", map[string]string{"first": "new", "other": "new"}, change.Applied, ""},
		{"somebody wrote what it would write over", map[string]string{"first": "theirs", "other": "old"}, change.Stopped, "first.text"},
		{"it was made, and somebody wrote what the next would write over", map[string]string{"first": "new", "other": "theirs"}, change.Stopped, "other.text"},
		{"somebody took it away", map[string]string{"other": "old"}, change.Stopped, "first"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &runner{t: t, kind: load(t, one), shelf: newShelf("first", "old", "other", "old")}
			p := r.plan(nil)
			r.shelf.things = maps.Clone(c.now)
			out, err := r.apply(p, true)
			if err != nil || out.State != c.want || !strings.Contains(out.Why, c.says) {
				t.Fatalf("got %s: %s, %v, want %s with %q", out.State, out.Why, err, c.want, c.says)
			}
			if c.want != change.Stopped {
				return
			}
			if !out.Doubt || len(r.shelf.calls) > 0 || len(out.Drift) == 0 || out.After == nil {
				t.Errorf("got doubt %v, %d calls, drift %v: want it to say where it stands and to call nothing", out.Doubt, len(r.shelf.calls), out.Drift)
			}
			r.shelf.things = map[string]string{"first": "old", "other": "old"} // put back
			if out, err := r.apply(p, true); err != nil || out.State != change.Applied {
				t.Errorf("put back and gone on with: got %s: %s, %v", out.State, out.Why, err)
			}
		})
	}
}
