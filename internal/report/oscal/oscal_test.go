package oscal_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/access/story"
	"github.com/rootkeep/rootkeep/internal/report/oscal"
	"github.com/rootkeep/rootkeep/ledger"
)

func empty(at time.Time) *story.Story {
	r := story.New(at, at.AddDate(0, 3, 0))
	r.Add(story.Entry{N: 7, Entry: &ledger.Entry{Type: "test.made", Subject: "TE-1", Actor: "system", Time: at.AddDate(0, 3, 1)}})
	return r.Story()
}

func write(t *testing.T, s *story.Story) map[string]any {
	t.Helper()
	text, err := oscal.Write("keep.example/ledger", s)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Results map[string]any `json:"assessment-results"`
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d.Results
}

// uuid and token are the forms of OSCAL 1.1.3: a UUID of version 4 or 5, and a token.
var (
	uuid  = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	token = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
)

func TestEveryUUIDAndTokenHasItsForm(t *testing.T) {
	seen := map[string]int{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				walk(one)
			}
		case map[string]any:
			for name, one := range v {
				text, _ := one.(string)
				switch name {
				case "uuid":
					if seen[text]++; !uuid.MatchString(text) || seen[text] > 1 {
						t.Errorf("UUID: got %q, %d times", text, seen[text])
					}
				case "name", "target-id", "control-id":
					if !token.MatchString(text) {
						t.Errorf("%s: got %q, want a token", name, text)
					}
				}
				walk(one)
			}
		}
	}
	walk(write(t, empty(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC))))
	if len(seen) < 8 {
		t.Errorf("got %d UUIDs, want those of document, result, five findings and a note", len(seen))
	}
}

func TestTheNoteThatThereWasNoPlanIsThere(t *testing.T) {
	d := write(t, empty(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)))
	href := d["import-ap"].(map[string]any)["href"].(string)
	note := d["back-matter"].(map[string]any)["resources"].([]any)[0].(map[string]any)["uuid"].(string)
	if href != "#"+note {
		t.Errorf("import-ap: got %s, want the note %s", href, note)
	}
}

func TestWhatIsNotKnownIsNotSatisfied(t *testing.T) {
	d := write(t, empty(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)))
	for _, f := range d["results"].([]any)[0].(map[string]any)["findings"].([]any) {
		target := f.(map[string]any)["target"].(map[string]any)
		state := target["status"].(map[string]any)["state"]
		want := "satisfied" // nothing was granted, opened or found
		if id := target["target-id"].(string); strings.HasSuffix(id, "complete") || strings.HasSuffix(id, "explained") {
			want = "not-satisfied"
		}
		if state != want {
			t.Errorf("%s: got %s, want %s", target["target-id"], state, want)
		}
	}
}

func TestOtherContentHasOtherUUIDs(t *testing.T) {
	a := write(t, empty(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)))["uuid"]
	if again := write(t, empty(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)))["uuid"]; a != again {
		t.Errorf("got %s and %s for the same content", a, again)
	}
	if other := write(t, empty(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)))["uuid"]; a == other {
		t.Errorf("got %s for another period", other)
	}
}
