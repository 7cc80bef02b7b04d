package detect_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect"
)

// Evidence is kept in little memory, and shows what a match shows of the same record.
func TestEvidenceShowsWhatAMatchShows(t *testing.T) {
	pack, bases := shipped(t)
	long := strings.Repeat("a", 700)
	records := story(t, bases)
	for _, set := range []map[string]any{
		{"eventID": "not a UUID"},
		{"eventID": "AAAAAAAA-0000-4000-8000-00000000000B"}, // it comes back as it was
		{"eventID": "aaaaaaaa-0000-4000-8000-00000000000b"},
		{"eventID": ""},
		{"userAgent": long, "eventID": "aaaaaaaa-0000-4000-8000-00000000000c"},
		{"sourceIPAddress": "\u202e\x1b[31m", "errorCode": "AccessDenied", "eventID": "aaaaaaaa-0000-4000-8000-00000000000d"},
		{"userIdentity.type": "AssumedRole", "userIdentity.arn": "no-slash", "eventID": "aaaaaaaa-0000-4000-8000-00000000000e"},
		{"userIdentity.type": "AssumedRole", "userIdentity.arn": long + "/session", "eventID": "aaaaaaaa-0000-4000-8000-00000000000f"},
		{"recipientAccountId": "", "requestParameters.name": long, "eventID": "aaaaaaaa-0000-4000-8000-000000000010"},
	} {
		records = append(records, event(t, bases, "stop-logging", 0, set))
	}
	files := [][]map[string]any{records[:len(records)/2], records[len(records)/2:]}
	type place struct {
		file   string
		offset int64
	}
	var mu sync.Mutex
	want := map[place]rootkeep.Event{}
	res := hunt(t, pack, detect.Options{OnMatch: func(m detect.Match) {
		mu.Lock()
		defer mu.Unlock()
		want[place{m.Event.File, m.Event.Offset}] = *m.Event
	}}, files, [][]int{{0}, {1}}) // numbers of two workers become those of one
	shown := map[place]bool{}
	for _, a := range res.Alerts {
		for _, e := range a.Events {
			at := place{e.File, e.Offset}
			shown[at] = true
			if diff := cmp.Diff(want[at], e); diff != "" {
				t.Errorf("%s of %s (-match +evidence):\n%s", e.ID, a.Title, diff)
			}
		}
	}
	if len(shown) < 20 {
		t.Errorf("got %d records as evidence, want most of %d", len(shown), len(records))
	}
}
